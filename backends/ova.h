/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An OVA: a tar of an OVF and what it names. */

#include "backends/job.h"
#include "base/strings.h"

/*
 * Unpacks the files of PATH into FOLDER, both below tree/: by their base names, whatever folders the archive gives them.
 * NAMES gets them. Two of one name are an error.
 */
int ova_unpack(struct job *job, const char *path, const char *folder, struct strings *names,
	struct error *err);
