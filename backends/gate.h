/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The gate before publishing: what belongs to the build and not into an image that many machines start from. A shell of the image
 * looks, through the communicator, when its build is about to end; so any file system will do.
 */

#include "backends/communicator.h"

/*
 * Looks, unless the order says gate "off": what is found is said in the log and noted in the journal, {"event": "findings", "list":
 * [{"kind", "path"}]}. An image that cannot be looked into (COMMUNICATOR NULL, no shell) is noted as nothing, and the log says so. An
 * error only if the journal cannot be written or the job is to end.
 */
int gate_look(struct job *job, struct communicator *communicator, struct error *err);

/* Where the order says gate "refuse": an error (CATALOG) with what was found in its artifact and how to remove it. */
int gate_check(struct job *job, struct error *err);
