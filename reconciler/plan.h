/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is to be done with each image, decided from what is wanted and what there is. A pure step: no clock, no store, no
 * file is read here.
 */

#include "base/digest.h"
#include "base/strings.h"
#include "reconciler/reason.h"
#include "state/phase.h"

enum action {
	ACTION_NONE,
	ACTION_CREATE,
	ACTION_REBUILD,
	ACTION_SWITCH,
	ACTION_UNCHANGED,
	ACTION_BLOCKED,
	ACTION_HELD,
	ACTION_QUARANTINED,
	ACTION_ORPHANED,
	ACTION_COUNT
};
const char *action_name(enum action action);
enum action action_find(const char *name);
/* Something would be done. */
bool action_is_work(enum action action);

/* A version that the catalog has (live or superseded). */
struct plan_version {
	int64_t version;
	enum phase phase;
	struct digest closure;
	const struct digest *equals; /* further closures that gave the same artifact */
	size_t equal_count;
	bool quarantined;
	struct digest validated; /* the rules that it passed last */
	int64_t confirmed_usec;  /* a build last gave its artifact */
	int64_t due_usec;        /* when it is to be built again for its age; 0: never */
	bool published;          /* in every catalog that is wanted */
	bool followed; /* every channel that follows `current` names it; of a live one only */
};

struct plan_facts {
	const char *name;
	/* wanted */
	bool defined; /* a definition gives it */
	const struct reasons *problems;
	bool has_closure; /* the definition could be evaluated */
	bool complete;    /* and every base is known, so that CLOSURE is the identity */
	struct digest closure;
	struct digest validate;
	const struct strings *parents; /* images of the same plan that it is built on */
	int64_t look_usec; /* when to look again, whatever is decided now; 0: not by the clock */
	/* there is */
	bool held;
	const struct plan_version *versions; /* oldest first */
	size_t version_count;
	bool failed; /* the last build of this closure did */
	enum error_kind failure_kind;
	const char *failure_text;
	int64_t failure_next_usec; /* 0: not before something changes */
	/* asked for */
	bool named;  /* a person named it: a failure is forgotten */
	bool forced; /* built again though nothing changed */
};

struct plan_decision {
	enum action action;
	struct reasons reasons;
	bool closure_known; /* false: a base will be another one first */
	int64_t switch_to;  /* ACTION_SWITCH: the version that has the closure */
	bool revalidate;    /* and it must pass other rules first */
	int64_t next_usec;  /* when time alone changes the decision; 0: it does not */
	bool explain; /* reasons are to be completed with what differs from the live closure */
};
void plan_decision_clear(struct plan_decision *decision);

/*
 * Decides for COUNT images; DECISIONS has room for as many and is in their order. Parents are found by name, whatever the
 * order; circles are blocked.
 */
void plan_decide(const struct plan_facts *facts, size_t count, int64_t now_usec,
	struct plan_decision *decisions);
