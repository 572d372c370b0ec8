/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The post-processors of a build and what of all artifacts stays. Source: Packer 1.6.6 packer/build.go. A file that Packer
 * would delete although another artifact still names it stays (docs/decisions/0014).
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

/* ---- for post-processors ---- */

/* Packer's data of an artifact, {{.X}} in options that are rendered late: the caller frees. */
struct json *post_data(const struct job *job, const struct artifact *input);
/*
 * A new file for a post-processor that makes one of INPUT: OUTPUT (rendered) as a path below tree/ in *PATH, which the caller
 * frees, and the descriptor, for writing. What was there goes, unless it belongs to an artifact of this build.
 */
int post_create(struct job *job, const struct artifact *input, const char *output, char **path,
	struct error *err);
/* The same of a file that may be there and is then gone on with; FLAGS as for open(2), O_CREAT given. */
int post_open(struct job *job, const struct artifact *input, const char *output, int flags,
	char **path, struct error *err);
