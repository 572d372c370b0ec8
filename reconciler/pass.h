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
/* Something else is part of it, as a pass is; it is over when it is released. CLIENT is NULL if he is gone. */
void apply_hold(struct apply *apply);
void apply_release(struct apply *apply, struct client *client);

/* How a pass ended, for who began it without a client. */
struct pass_end {
	const char *commit;  /* what was looked at, in hex */
	const char *text;    /* "1 new, 3 unchanged" */
	const char *refusal; /* why the commit may decide nothing; NULL: it may */
	bool cancelled;
	const struct strings *moved; /* images of which something is other than it was */
	size_t failed;
	int64_t next_usec; /* when time alone would give another plan; 0: never */
};

struct pass_options {
	const char *place, *folder, *revision; /* borrowed for the call; NULL: what is followed */
	struct strings names;                  /* images; none: all */
	bool limited; /* nobody named them, they are only those that may have changed */
	bool forced;  /* those are built though nothing changed */
	bool logs;    /* the client wants to see what builds say */
	struct build_settings settings;
	/* At its end, of each image: WHY it is blocked, NULL if it is not (or only waits after a failure). May be NULL. */
	void (*planned)(void *context, const char *image, const char *why);
	/* At its end; may be NULL. */
	void (*over)(void *context, const struct pass_end *end);
	void *context;
};

/*
 * Plans, and adds the task to LOOP. Takes over what OPTIONS owns. CLIENT may be NULL; it and APPLY (NULL without a client)
 * get the results. On failure neither is touched.
 */
int pass_begin(struct loop *loop, struct head *head, struct client *client, struct apply *apply,
	struct pass_options *options, struct error *err);
/*
 * The same for nobody; the task, which lives until `over` was called, or NULL.
 */
struct task *pass_begin_unasked(
	struct loop *loop, struct head *head, struct pass_options *options, struct error *err);
/*
 * Another one is to take its place: it ends without a word, and what it has under way is left to that one, which goes on with
 * what it wants and cancels the rest. The images that it was not done with are added to LEFT.
 */
void pass_abandon(struct loop *loop, struct task *task, struct strings *left);
