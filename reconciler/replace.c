/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/replace.h"

static const char *const job_names[JOB_COUNT] = {
	[JOB_NONE] = "none",
	[JOB_BUILD] = "build",
	[JOB_VALIDATE] = "validate",
	[JOB_COMPARE] = "compare",
	[JOB_PUBLISH] = "publish",
	[JOB_SWITCH] = "switch",
	[JOB_RETIRE] = "retire",
	[JOB_REMOVE] = "remove",
};

const char *job_kind_name(enum job_kind job)
{
	return job_names[job];
}

/* What each phase has done for it, and where it goes from there. */
static const struct {
	enum job_kind job;
	enum phase next;
	bool can_fail; /* otherwise it is tried again: what the world sees is half changed */
	bool can_cancel;
} phases[PHASE_COUNT] = {
	[PHASE_PLANNED] = {JOB_NONE, PHASE_BUILDING, false, true},
	[PHASE_BUILDING] = {JOB_BUILD, PHASE_VALIDATING, true, true},
	[PHASE_VALIDATING] = {JOB_VALIDATE, PHASE_PUBLISHING, true, true},
	[PHASE_PUBLISHING] = {JOB_PUBLISH, PHASE_SWITCHING, true, false},
	[PHASE_SWITCHING] = {JOB_SWITCH, PHASE_LIVE, false, false},
	[PHASE_RETIRING] = {JOB_RETIRE, PHASE_RETIRED, false, false},
};

enum job_kind replace_job(enum phase phase, bool cold)
{
	return cold && phase == PHASE_VALIDATING ? JOB_COMPARE : phases[phase].job;
}

static struct replace_step step(enum replace_order order)
{
	return (struct replace_step){.order = order};
}

static struct replace_step run(enum job_kind job)
{
	return (struct replace_step){.order = REPLACE_RUN, .job = job};
}

static struct replace_step move(enum phase to)
{
	return (struct replace_step){.order = REPLACE_MOVE, .to = to};
}

/* The phase's work is done, or there was none to do. */
static struct replace_step move_on(const struct replace_facts *facts)
{
	if (facts->phase == PHASE_VALIDATING &&
		(facts->cold || facts->reuses || facts->equals_live))
		return move(PHASE_UNNEEDED);
	/* before it has a number: while it waits, a newer commit can still take its place */
	if (facts->phase == PHASE_VALIDATING && facts->frozen)
		return step(REPLACE_THAW);
	return move(phases[facts->phase].next);
}

static bool has_work(const struct replace_facts *facts)
{
	switch (facts->phase) {
	case PHASE_PLANNED:
		return false;
	case PHASE_BUILDING:
		return !facts->reuses;
	case PHASE_VALIDATING:
		/* what equals the live version was checked when that was published */
		return facts->cold || (facts->has_rules && !facts->equals_live);
	default:
		return true;
	}
}

/*
 * A phase that the world can see the half of is not given up: only when its order is wrong in itself. A failed publication
 * is given up for the same reasons, and otherwise waits: the artifact is there, and need not be built again.
 */
static struct replace_step after_failure(const struct replace_facts *facts, enum error_kind kind)
{
	if (facts->unwanted && phases[facts->phase].can_cancel)
		return move(PHASE_CANCELLED);
	if (!phases[facts->phase].can_fail)
		return step(REPLACE_LATER);
	if (facts->phase == PHASE_PUBLISHING && kind != ERROR_CATALOG && kind != ERROR_CONFLICT)
		return step(REPLACE_LATER);
	return move(PHASE_FAILED);
}

/* JOB was done or is to be; DONE follows when it went well. */
static struct replace_step pursue(
	const struct replace_facts *facts, enum job_kind job, struct replace_step done)
{
	if (facts->job == job && facts->run == RUN_OK)
		return done;
	if (facts->job == job && facts->run == RUN_FAILED)
		return after_failure(facts, facts->failure);
	if (facts->deaths >= REPLACE_DEATHS_MOST)
		return after_failure(facts, ERROR_TRANSIENT);
	return run(job);
}

static struct replace_step at_rest(const struct replace_facts *facts)
{
	if (facts->ordered)
		return pursue(facts, JOB_SWITCH, step(REPLACE_ORDER_DONE));
	if (facts->work_left && facts->job != JOB_REMOVE)
		return run(JOB_REMOVE);
	return step(REPLACE_END);
}

struct replace_step replace_next(const struct replace_facts *facts)
{
	bool can_cancel = phases[facts->phase].can_cancel;

	if (facts->run == RUN_ALIVE)
		return step(facts->unwanted && can_cancel ? REPLACE_STOP : REPLACE_WAIT);
	if (!phase_is_under_way(facts->phase))
		return at_rest(facts);
	if (facts->unwanted && can_cancel)
		return move(PHASE_CANCELLED);
	if (!has_work(facts))
		return move_on(facts);
	/* a worker that died left things behind that a second one must not find */
	if (facts->phase == PHASE_BUILDING && facts->work_left && facts->job != JOB_REMOVE &&
		facts->run != RUN_OK && facts->run != RUN_FAILED &&
		facts->deaths < REPLACE_DEATHS_MOST)
		return run(JOB_REMOVE);
	return pursue(facts, replace_job(facts->phase, facts->cold), move_on(facts));
}
