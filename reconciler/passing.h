/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the parts of a pass share: pass.c drives it, pass_sweep.c takes away what is kept no longer. */

#include "reconciler/pass.h"
#include "reconciler/plan.h"

enum item_state {
	ITEM_WAITING, /* for its parents, or for another task's work on it; then it is planned again */
	ITEM_READY,
	ITEM_RUNNING,
	ITEM_DONE,
};

/* One image of the pass. */
struct item {
	char *name;
	enum item_state state;
	struct strings parents;
	int rounds;
	bool blocked, moved;
	const struct replacement *replacement; /* ITEM_RUNNING */
	/* what was decided */
	enum action action;
	struct digest closure, rules;
	int64_t image; /* its row, 0: none yet */
	int64_t switch_to;
	int64_t next_usec; /* as pass_end has it */
	bool revalidate;
	char *definition;
	struct json *policy, *reasons;
};

struct pass {
	struct task task; /* first: tasks are passes */
	struct head *head;
	struct apply *apply;
	struct pass_options options;
	struct repository repository;
	struct commit commit;
	char commit_hex[OBJECT_ID_HEX_SIZE];
	struct item *items;
	size_t count, room;
	struct map by_name;   /* name -> index + 1 */
	struct strings sweep; /* images that may have versions to retire */
	bool followed; /* the commit is the one that is followed, and nothing was added to it */
	bool cancelled, sweeping;
	size_t waiting; /* for the end of a freeze */
	char *refusal;  /* the plan's */
	size_t live, unneeded, checked, switched, failed, blocked, retired;
};

/* The item of that name, made where there is none. */
struct item *pass_item(struct pass *pass, const char *name);
/* A line for the client, if there is one. BUILD, ACTION and NAME may be NULL. */
void pass_report(const struct pass *pass, const char *name, const struct build_record *build,
	const char *action, const char *text);

/* What is kept no longer goes; at most so many at once. */
void pass_sweep(struct loop *loop, struct pass *pass);
/* The operator has said that what nothing defines any more may go (prune). */
void pass_prune(struct loop *loop, struct pass *pass);
