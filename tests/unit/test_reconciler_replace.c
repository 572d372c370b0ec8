/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/replace.h"

#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/unit/check.h"

/* ---- one step ---- */

static const char *describe(struct replace_step step)
{
	static const char *const orders[REPLACE_COUNT] = {
		[REPLACE_WAIT] = "wait",
		[REPLACE_RUN] = "run",
		[REPLACE_STOP] = "stop",
		[REPLACE_MOVE] = "move",
		[REPLACE_THAW] = "thaw",
		[REPLACE_ORDER_DONE] = "order done",
		[REPLACE_LATER] = "later",
		[REPLACE_END] = "end",
	};
	static char text[64];

	snprintf(text, sizeof(text), "%s%s%s%s", orders[step.order], step.job || step.to ? " " : "",
		step.job ? job_kind_name(step.job) : "", step.to ? phase_name(step.to) : "");
	return text;
}

struct step_case {
	const char *sentence;
	struct replace_facts facts;
	const char *wanted;
};

#define IN(name) .phase = PHASE_##name
#define OK(name) .job = JOB_##name, .run = RUN_OK
#define BAD(name, why) .job = JOB_##name, .run = RUN_FAILED, .failure = ERROR_##why
#define DEAD(name, times) .job = JOB_##name, .run = RUN_DIED, .deaths = times

static const struct step_case cases[] = {
	{"what is planned is built", {IN(PLANNED)}, "move building"},
	{"what nobody wants any more is not", {IN(PLANNED), .unwanted = true}, "move cancelled"},

	{"a build begins", {IN(BUILDING)}, "run build"},
	{"it is waited for", {IN(BUILDING), .job = JOB_BUILD, .run = RUN_ALIVE}, "wait"},
	{"it is built", {IN(BUILDING), OK(BUILD), .work_left = true}, "move validating"},
	{"it fails", {IN(BUILDING), BAD(BUILD, CATALOG), .work_left = true}, "move failed"},
	{"the outside fails it", {IN(BUILDING), BAD(BUILD, TRANSIENT)}, "move failed"},
	{"a worker dies and leaves things", {IN(BUILDING), DEAD(BUILD, 1), .work_left = true},
		"run remove"},
	{"they are removed", {IN(BUILDING), OK(REMOVE)}, "run build"},
	{"a worker dies and leaves nothing", {IN(BUILDING), DEAD(BUILD, 1)}, "run build"},
	{"after a restart what is left is removed first", {IN(BUILDING), .work_left = true},
		"run remove"},
	{"the last one dies", {IN(BUILDING), DEAD(BUILD, REPLACE_DEATHS_MOST), .work_left = true},
		"move failed"},
	{"what was there already is not built", {IN(BUILDING), .reuses = true}, "move validating"},
	{"a build that nobody wants is stopped",
		{IN(BUILDING), .job = JOB_BUILD, .run = RUN_ALIVE, .unwanted = true}, "stop"},
	{"and is cancelled", {IN(BUILDING), BAD(BUILD, TRANSIENT), .unwanted = true},
		"move cancelled"},
	{"also when it was built all the same", {IN(BUILDING), OK(BUILD), .unwanted = true},
		"move cancelled"},

	{"what has rules is checked", {IN(VALIDATING), .has_rules = true}, "run validate"},
	{"what has none is published", {IN(VALIDATING)}, "move publishing"},
	{"it passes", {IN(VALIDATING), .has_rules = true, OK(VALIDATE)}, "move publishing"},
	{"it does not", {IN(VALIDATING), .has_rules = true, BAD(VALIDATE, CATALOG)}, "move failed"},
	{"a checker dies",
		{IN(VALIDATING), .has_rules = true, DEAD(VALIDATE, 1), .work_left = true},
		"run validate"},
	{"the last one dies too",
		{IN(VALIDATING), .has_rules = true, DEAD(VALIDATE, REPLACE_DEATHS_MOST)},
		"move failed"},
	{"what equals the live version is not checked",
		{IN(VALIDATING), .has_rules = true, .equals_live = true}, "move unneeded"},
	{"a version that passes again is not published again",
		{IN(VALIDATING), .has_rules = true, .reuses = true, OK(VALIDATE)}, "move unneeded"},
	{"a version is checked again", {IN(VALIDATING), .has_rules = true, .reuses = true},
		"run validate"},
	{"a check that nobody wants is stopped",
		{IN(VALIDATING), .has_rules = true, .job = JOB_VALIDATE, .run = RUN_ALIVE,
			.unwanted = true},
		"stop"},
	{"what is checked and unwanted is cancelled",
		{IN(VALIDATING), .has_rules = true, OK(VALIDATE), .unwanted = true},
		"move cancelled"},

	{"in a freeze it waits", {IN(VALIDATING), .has_rules = true, OK(VALIDATE), .frozen = true},
		"thaw"},
	{"once it was checked", {IN(VALIDATING), .has_rules = true, .frozen = true},
		"run validate"},
	{"unless nobody wants it any more", {IN(VALIDATING), .frozen = true, .unwanted = true},
		"move cancelled"},
	{"what equals the live version waits for nothing",
		{IN(VALIDATING), .equals_live = true, .frozen = true}, "move unneeded"},
	{"what is published already goes on", {IN(PUBLISHING), OK(PUBLISH), .frozen = true},
		"move switching"},

	{"what is built to be compared is compared, whatever the rules",
		{IN(VALIDATING), .cold = true, .has_rules = true}, "run compare"},
	{"and never published", {IN(VALIDATING), .cold = true, OK(COMPARE)}, "move unneeded"},
	{"nor waits for the end of a freeze",
		{IN(VALIDATING), .cold = true, .frozen = true, OK(COMPARE)}, "move unneeded"},
	{"it cannot be compared", {IN(VALIDATING), .cold = true, BAD(COMPARE, CATALOG)},
		"move failed"},
	{"nobody waits for it any more",
		{IN(VALIDATING), .cold = true, .job = JOB_COMPARE, .run = RUN_ALIVE,
			.unwanted = true},
		"stop"},

	{"it is published", {IN(PUBLISHING)}, "run publish"},
	{"published, the channels move", {IN(PUBLISHING), OK(PUBLISH)}, "move switching"},
	{"a catalog that is out of reach is waited for", {IN(PUBLISHING), BAD(PUBLISH, TRANSIENT)},
		"later"},
	{"so is one without room", {IN(PUBLISHING), BAD(PUBLISH, RESOURCE)}, "later"},
	{"an order that is wrong in itself fails", {IN(PUBLISHING), BAD(PUBLISH, CATALOG)},
		"move failed"},
	{"so does a number that somebody took", {IN(PUBLISHING), BAD(PUBLISH, CONFLICT)},
		"move failed"},
	{"a publisher dies", {IN(PUBLISHING), DEAD(PUBLISH, 2)}, "run publish"},
	{"three publishers died", {IN(PUBLISHING), DEAD(PUBLISH, REPLACE_DEATHS_MOST)}, "later"},
	{"publishing is not stopped for a newer commit",
		{IN(PUBLISHING), .job = JOB_PUBLISH, .run = RUN_ALIVE, .unwanted = true}, "wait"},
	{"nor cancelled", {IN(PUBLISHING), OK(PUBLISH), .unwanted = true}, "move switching"},

	{"the channels are moved", {IN(SWITCHING)}, "run switch"},
	{"they moved", {IN(SWITCHING), OK(SWITCH)}, "move live"},
	{"they did not", {IN(SWITCHING), BAD(SWITCH, CATALOG)}, "later"},
	{"three died over it", {IN(SWITCHING), DEAD(SWITCH, REPLACE_DEATHS_MOST)}, "later"},
	{"switching is not cancelled", {IN(SWITCHING), .unwanted = true}, "run switch"},

	{"it is retired", {IN(RETIRING)}, "run retire"},
	{"it is gone", {IN(RETIRING), OK(RETIRE)}, "move retired"},
	{"it cannot be removed now", {IN(RETIRING), BAD(RETIRE, TRANSIENT)}, "later"},

	{"at rest", {IN(LIVE)}, "end"},
	{"at rest with things left", {IN(LIVE), .work_left = true}, "run remove"},
	{"a failed one with things left", {IN(FAILED), .work_left = true}, "run remove"},
	{"what cannot be removed is left", {IN(LIVE), BAD(REMOVE, BROKEN), .work_left = true},
		"end"},
	{"channels are to name an older version", {IN(SUPERSEDED), .ordered = true}, "run switch"},
	{"they do now", {IN(SUPERSEDED), .ordered = true, OK(SWITCH)}, "order done"},
	{"they do not yet", {IN(LIVE), .ordered = true, BAD(SWITCH, TRANSIENT)}, "later"},
	{"three died over the order",
		{IN(LIVE), .ordered = true, DEAD(SWITCH, REPLACE_DEATHS_MOST)}, "later"},
	{"an order is not stopped",
		{IN(LIVE), .ordered = true, .unwanted = true, .job = JOB_SWITCH, .run = RUN_ALIVE},
		"wait"},
};

static void steps_by_table(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CHECK_TEXT(describe(replace_next(&cases[i].facts)), cases[i].wanted, "%s (%s)",
			cases[i].sentence, phase_name(cases[i].facts.phase));
	for (enum job_kind job = JOB_NONE; job < JOB_COUNT; job++)
		CHECK(job_kind_name(job) && *job_kind_name(job), "job %d has a name", job);
}

/* ---- thousands of journeys ---- */

enum { JOURNEYS = 20000, STEPS_MOST = 200 };

/* What a journey runs in: workers that end as chance has it, and a head that restarts. */
struct world {
	struct replace_facts facts;
	int begun[JOB_COUNT], ended[JOB_COUNT]; /* workers, as the journal has them */
	int deaths[PHASE_COUNT][JOB_COUNT];
	bool was_published;
	const char *wrong; /* the first promise that was broken */
};

static uint64_t seed;

static unsigned chance(unsigned count)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % count;
}

static void demand(struct world *world, bool good, const char *promise)
{
	if (!good && !world->wrong)
		world->wrong = promise;
}

static bool is_past_recall(enum phase phase)
{
	return phase == PHASE_PUBLISHING || phase == PHASE_SWITCHING || phase == PHASE_RETIRING;
}

static struct world new_world(void)
{
	return (struct world){.facts = {
				      .phase = PHASE_PLANNED,
				      .reuses = chance(4) == 0,
				      .cold = chance(5) == 0,
				      .has_rules = chance(2),
				      .equals_live = chance(4) == 0,
				      .unwanted = chance(20) == 0,
			      }};
}

static void start_worker(struct world *world, enum job_kind job)
{
	struct replace_facts *facts = &world->facts;

	demand(world, facts->run != RUN_ALIVE, "one worker at a time");
	demand(world, world->deaths[facts->phase][job] < REPLACE_DEATHS_MOST,
		"no worker after so many died");
	demand(world, job != JOB_BUILD || !facts->reuses, "what is there already is not built");
	facts->job = job;
	facts->run = RUN_ALIVE;
	facts->deaths = world->begun[job] - world->ended[job];
	world->begun[job]++;
	facts->work_left |= job == JOB_BUILD || job == JOB_VALIDATE;
}

static void end_worker(struct world *world)
{
	struct replace_facts *facts = &world->facts;
	enum job_kind job = facts->job;

	facts->run = chance(3) == 0 ? RUN_DIED : chance(2) ? RUN_FAILED : RUN_OK;
	if (facts->run == RUN_DIED)
		world->deaths[facts->phase][job]++;
	else
		world->ended[job]++;
	if (facts->run == RUN_FAILED)
		facts->failure = ERROR_NONE + 1 + chance(ERROR_COUNT - 1);
	if (facts->run == RUN_OK && job == JOB_REMOVE)
		facts->work_left = false;
	facts->deaths = world->begun[job] - world->ended[job];
}

static void move(struct world *world, enum phase to)
{
	struct replace_facts *facts = &world->facts;

	demand(world, phase_can_follow(facts->phase, to), "every move is one of the table");
	demand(world, to != PHASE_CANCELLED || (facts->unwanted && !is_past_recall(facts->phase)),
		"only the unwanted is cancelled, and nothing that is published");
	demand(world, to != PHASE_PUBLISHING || !facts->cold,
		"what is only compared is not published");
	demand(world, to != PHASE_PUBLISHING || (!facts->reuses && !facts->equals_live),
		"what is there already is not published again");
	demand(world, to != PHASE_PUBLISHING || !facts->has_rules || world->ended[JOB_VALIDATE],
		"nothing is published unchecked");
	facts->phase = to;
	world->was_published |= to == PHASE_PUBLISHING;
	if (facts->job == JOB_REMOVE)
		return;
	facts->job = JOB_NONE;
	facts->run = RUN_NONE;
	facts->deaths = 0;
}

/* The head starts again: what it knew of the worker it reads from the journal. */
static void restart(struct world *world)
{
	if (world->facts.run == RUN_ALIVE)
		return;
	if (world->facts.job == JOB_REMOVE) {
		world->facts.job = JOB_NONE;
		world->facts.run = RUN_NONE;
	}
}

/* Carries the step out; false when the journey is over. */
static bool carry_out(struct world *world, struct replace_step step)
{
	struct replace_facts *facts = &world->facts;

	switch (step.order) {
	case REPLACE_RUN:
		start_worker(world, step.job);
		return true;
	case REPLACE_STOP:
		demand(world, facts->unwanted && !is_past_recall(facts->phase),
			"only a worker that nobody needs is stopped");
		end_worker(world);
		return true;
	case REPLACE_WAIT:
		demand(world, facts->run == RUN_ALIVE, "there is a worker to wait for");
		end_worker(world);
		return true;
	case REPLACE_MOVE:
		move(world, step.to);
		return true;
	case REPLACE_THAW:
		demand(world, facts->frozen && facts->phase == PHASE_VALIDATING,
			"it waits in a freeze, before it has a number");
		facts->frozen = false;
		return true;
	case REPLACE_ORDER_DONE:
		demand(world, facts->ordered && facts->job == JOB_SWITCH && facts->run == RUN_OK,
			"an order is done when its worker says so");
		facts->ordered = false;
		return true;
	case REPLACE_LATER:
		demand(world, is_past_recall(facts->phase) || facts->ordered,
			"only what the world sees the half of is put off");
		return false;
	default:
		demand(world, step.order == REPLACE_END && !phase_is_under_way(facts->phase),
			"it ends at rest");
		return false;
	}
}

static void travel(struct world *world, int *ends)
{
	int steps = 0;

	while (!world->wrong && carry_out(world, replace_next(&world->facts))) {
		if (chance(30) == 0)
			restart(world);
		world->facts.unwanted |= chance(40) == 0;
		demand(world, ++steps < STEPS_MOST, "every journey ends");
	}
	demand(world,
		!world->was_published || world->facts.phase == PHASE_FAILED ||
			world->facts.phase == PHASE_LIVE || is_past_recall(world->facts.phase),
		"what began to be published is live, waits, or was wrong");
	ends[world->facts.phase]++;
}

static const char *travel_often(struct world (*begin)(void), int *ends)
{
	seed = 0x9E3779B97F4A7C15;
	for (int i = 0; i < JOURNEYS; i++) {
		struct world world = begin();
		travel(&world, ends);
		if (world.wrong) {
			printf("# journey %d, in phase %s\n", i, phase_name(world.facts.phase));
			return world.wrong;
		}
	}
	return NULL;
}

/* A published version whose channels are to move, or one that is to go. */
static struct world new_order(void)
{
	bool retiring = chance(3) == 0;

	return (struct world){.facts = {
				      .phase = retiring    ? PHASE_RETIRING
	                                       : chance(2) ? PHASE_LIVE
	                                                   : PHASE_SUPERSEDED,
				      .ordered = !retiring,
				      .work_left = chance(2),
				      .unwanted = chance(4) == 0,
			      }};
}

static void journeys_end(void)
{
	static const enum phase reached[] = {PHASE_PUBLISHING, PHASE_SWITCHING, PHASE_LIVE,
		PHASE_FAILED, PHASE_CANCELLED, PHASE_UNNEEDED};
	int ends[PHASE_COUNT] = {0}, order_ends[PHASE_COUNT] = {0};

	CHECK_TEXT(travel_often(new_world, ends), NULL,
		"%d journeys from planned keep every promise", JOURNEYS);
	for (size_t i = 0; i < sizeof(reached) / sizeof(*reached); i++)
		CHECK(ends[reached[i]] > JOURNEYS / 200, "some of them end %s",
			phase_name(reached[i]));
	CHECK_NUMBER(ends[PHASE_PLANNED] + ends[PHASE_BUILDING] + ends[PHASE_VALIDATING], 0,
		"none ends before it is published or given up");
	CHECK_TEXT(travel_often(new_order, order_ends), NULL,
		"so do orders for versions that are there");
	CHECK(order_ends[PHASE_LIVE] && order_ends[PHASE_SUPERSEDED] && order_ends[PHASE_RETIRED],
		"which leave the version in its phase, or retire it");
	CHECK_NUMBER(order_ends[PHASE_FAILED] + order_ends[PHASE_CANCELLED], 0,
		"and never fail or cancel it");
}

int main(void)
{
	steps_by_table();
	journeys_end();
	return check_done();
}
