/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A repository's plan at one commit: commit, index, facts and decisions in one place, for the verbs that show it and for
 * the one that carries it out.
 */

#include "reconciler/repository.h"

struct planning {
	struct commit commit;
	struct index index;
	struct repository_facts facts;
	struct plan_decision *decisions; /* one for each of facts */
	char *refusal;                   /* why the commit may decide nothing; NULL: it may */
	int64_t kept_usec;               /* how long it took to write the cache */
};

struct planning_options {
	const char *revision;        /* NULL: what is followed */
	const struct strings *names; /* images; NULL or empty: all */
	bool may_be_gone;            /* a name that nobody knows is no error */
	bool named;                  /* a person named them: failures are forgotten */
	bool forced;                 /* build the named (or all) again */
	bool any_commit; /* whether it is accepted is not asked: it is to say what is defined, and no more */
	bool keep; /* the index stays at this commit (it is the one that is followed) */
	int64_t now_usec;
};

/*
 * Plans. With `keep` the store's index moves along; otherwise everything is rolled back. REPOSITORY must stay open as long
 * as the planning is used.
 */
int planning_make(struct repository *repository, const struct planning_options *options,
	struct planning *planning, struct error *err);
void planning_clear(struct planning *planning);

/* {"name", "action", "closure", "reasons"} of one image, with what differs from its live version among the reasons. */
struct json *planning_image(
	struct repository *repository, struct planning *planning, size_t index, struct error *err);

/*
 * What two commits' definitions differ in: "images" and "unchanged" of the plan of a range go into ANSWER. The store is
 * left as it was.
 */
int planning_compare(struct repository *repository, const struct commit *from,
	const struct commit *to, struct json *answer, struct error *err);

/*
 * The names of the images whose definitions differ between the commits in whatever way, and of those that are built on them,
 * however far down. The store is left as it was.
 */
int planning_find_touched(struct repository *repository, const struct commit *from,
	const struct commit *to, struct strings *names, struct error *err);

/* The closure and notes of a defined image at TREE, evaluated anew; NULL in *TEXT if it has none. The caller frees. */
int planning_closure(struct repository *repository, struct index *index,
	const struct object_id *tree, const char *definition, const char *image, char **text,
	struct json **notes, struct error *err);
/* Why the new closure differs from the old one, variables told from templates by the notes (both may be NULL). */
void planning_explain(const char *old, const struct json *old_notes, const char *new,
	const struct json *new_notes, struct reasons *reasons);
