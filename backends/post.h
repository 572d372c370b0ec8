/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The post-processors of a build and what of all artifacts stays. Source: Packer 1.6.6 packer/build.go. What Packer would
 * delete is left out of the result instead: so nothing that another artifact still names is lost (docs/decisions/).
 */

#include "backends/builder.h"

struct artifacts {
	struct artifact **items;
	size_t count, room;
};
void artifacts_clear(struct artifacts *artifacts);

/* Runs the order's sequences over MADE, which stays the caller's. KEPT gets the artifacts that are the build's result. */
int post_process(
	struct job *job, const struct artifact *made, struct artifacts *kept, struct error *err);
