/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a run of packer made, as kiln's artifacts: files below the build's tree, and ids of what is elsewhere. */

#include "backends/packer/report.h"
#include "backends/post.h"

/* The file that lists ids, where there are any; at the root of the tree. */
#define PACKER_OUTPUTS_NAME "outputs.json"

/*
 * Adds them to KEPT, equal ones once. An error (CATALOG) if it made none, if a file lies outside of the build's folder, or
 * if none of an artifact's files is there.
 */
int packer_outputs_collect(struct job *job, const struct packer_report *report,
	struct artifacts *kept, struct error *err);
