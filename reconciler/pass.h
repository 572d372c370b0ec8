/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One apply of one repository at one commit: its plan carried out, parents before children, each image once for each
 * closure; then what may be retired is.
 */

#include "reconciler/loop.h"
#include "reconciler/repository.h"

/* What a client's apply adds up to over its repositories. */
struct apply {
	int passes;     /* not over yet */
	int references; /* of passes, over or not; the last one frees it */
	bool failed;
};

struct pass_options {
	const char *place, *folder, *revision; /* borrowed for the call; NULL: what is followed */
	struct strings names;                  /* images; none: all */
	bool forced;                           /* those are built though nothing changed */
	bool logs;                             /* the client wants to see what builds say */
	struct build_settings settings;
};

/*
 * Plans, and adds the task to LOOP. Takes over what OPTIONS owns. CLIENT may be NULL; it and APPLY (NULL without a client)
 * get the results. On failure neither is touched.
 */
int pass_begin(struct loop *loop, struct head *head, struct client *client, struct apply *apply,
	struct pass_options *options, struct error *err);
