/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is wanted (the index) and what there is (the store) brought together for plan_decide: the facts of a
 * repository's images.
 */

#include "reconciler/index.h"
#include "reconciler/plan.h"
#include "state/build.h"
#include "state/image.h"

struct image_facts {
	struct indexed_image wanted; /* name is set also when nothing defines it */
	bool defined;
	int64_t image;               /* its row in the store, 0: none yet */
	struct build_records builds; /* published ones, by version */
	struct plan_version *versions;
	struct digest **equals; /* a list for each version */
	int64_t live;           /* 0: none */
	bool held;
	int64_t look_usec; /* what lies outside is to be looked at then; 0: not by the clock */
	struct failure_record failure;
	bool failed;
	bool named, forced;
};

struct repository_facts {
	struct image_facts *items;
	size_t count, room;
};
void repository_facts_clear(struct repository_facts *facts);

struct facts_names {
	const struct strings *list; /* NULL or empty: all images */
	bool may_be_gone; /* one that nobody knows is passed over; otherwise it is an error of kind CATALOG */
};

/*
 * The facts of the images that INDEX has, and of those that only the store has; those of NAMES alone, and what they are
 * built on. REPOSITORY 0: nothing was ever applied.
 */
int facts_gather(struct index *index, struct store *store, int64_t repository,
	const struct facts_names *names, struct repository_facts *facts, struct error *err);
/* Fills PLAN (COUNT of facts) for plan_decide; it borrows. */
/* When they are due by their schedules, in the time zone ZONE. */
void facts_set_due(struct repository_facts *facts, const char *zone, int64_t now_usec);
void facts_to_plan(const struct repository_facts *facts, struct plan_facts *plan);

/* What a failure is remembered under: a build is tried again when its closure or the rules it must pass are others. */
void facts_failure_key(
	const struct digest *closure, const struct digest *rules, struct digest *key);

/*
 * The version that REFERENCE names in that repository: its current one, a channel's, or a number. 1 found, 0 not, -1 error.
 */
int facts_find_version(struct store *store, int64_t repository,
	const struct image_reference *reference, struct build_record *build, struct error *err);
