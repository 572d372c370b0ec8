/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The validator `boot`: the finished disks of a machine on a fresh one, above layers that are thrown away; nothing is written to
 * the artifact.
 */

#include "backends/job.h"

/*
 * Starts the artifact that the order names and waits for what ENTRY (checked by the head) wants: a line at the serial port, a port, or
 * ssh and what commands say there. Obeys ENTRY's timeout, 10 minutes unless it says another. Errors (CATALOG unless this machine is
 * in the way) say what was waited for; the screen and the serial port's end are kept and logged then, as the builder does.
 */
int boot_check(struct job *job, const struct json *entry, struct error *err);
