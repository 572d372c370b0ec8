/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/moment.h"

static const struct {
	const char *name;
	bool work;
} actions[ACTION_COUNT] = {
	[ACTION_NONE] = {"none", false},
	[ACTION_CREATE] = {"create", true},
	[ACTION_REBUILD] = {"rebuild", true},
	[ACTION_SWITCH] = {"switch", true},
	[ACTION_UNCHANGED] = {"unchanged", false},
	[ACTION_BLOCKED] = {"blocked", false},
	[ACTION_HELD] = {"held", false},
	[ACTION_QUARANTINED] = {"quarantined", false},
	[ACTION_ORPHANED] = {"orphaned", false},
};

const char *action_name(enum action action)
{
	return actions[action].name;
}

enum action action_find(const char *name)
{
	enum action action = ACTION_COUNT;

	while (--action > ACTION_NONE && strcmp(actions[action].name, name) != 0)
		;
	return action;
}

bool action_is_work(enum action action)
{
	return actions[action].work;
}

void plan_decision_clear(struct plan_decision *decision)
{
	reasons_clear(&decision->reasons);
}

/* ---- one image ---- */

static bool has_closure(const struct plan_version *version, const struct digest *closure)
{
	if (digest_equal(&version->closure, closure))
		return true;
	for (size_t i = 0; i < version->equal_count; i++)
		if (digest_equal(&version->equals[i], closure))
			return true;
	return false;
}

static const struct plan_version *live_version(const struct plan_facts *facts)
{
	for (size_t i = facts->version_count; i--;)
		if (facts->versions[i].phase == PHASE_LIVE)
			return &facts->versions[i];
	return NULL;
}

/* The newest version that has the wanted closure. */
static const struct plan_version *newest_wanted(const struct plan_facts *facts)
{
	for (size_t i = facts->version_count; i--;)
		if (has_closure(&facts->versions[i], &facts->closure))
			return &facts->versions[i];
	return NULL;
}

static void note_next(struct plan_decision *decision, int64_t usec)
{
	if (usec && (!decision->next_usec || usec < decision->next_usec))
		decision->next_usec = usec;
}

/* It has the age at which it is to be built again. */
static bool is_due(
	const struct plan_version *version, int64_t now_usec, struct plan_decision *decision)
{
	if (!version->due_usec || version->due_usec <= now_usec)
		return version->due_usec != 0;
	note_next(decision, version->due_usec);
	return false;
}

static void need_build(const struct plan_facts *facts, struct plan_decision *decision)
{
	decision->action = facts->version_count ? ACTION_REBUILD : ACTION_CREATE;
	if (!facts->version_count)
		reasons_add(&decision->reasons, REASON_NEW, NULL, NULL, NULL,
			"there is no version of it yet");
}

/* A failure is remembered until the closure is another one, the time to try again has come, or a person asks. */
static bool waits_after_failure(
	const struct plan_facts *facts, int64_t now_usec, struct plan_decision *decision)
{
	char when[MOMENT_TEXT_SIZE];

	if (!facts->failed || facts->named || facts->forced)
		return false;
	if (facts->failure_next_usec && facts->failure_next_usec <= now_usec)
		return false;
	decision->action = ACTION_BLOCKED;
	note_next(decision, facts->failure_next_usec);
	if (facts->failure_next_usec)
		reasons_add(&decision->reasons, REASON_FAILED, NULL, NULL, NULL,
			"the last build failed: %s (next try %s, or name the image)",
			facts->failure_text, moment_text(facts->failure_next_usec, when));
	else
		reasons_add(&decision->reasons, REASON_FAILED, NULL, NULL, NULL,
			"the last build of this very closure failed: %s (a commit changes that, or "
			"name the image to try again)",
			facts->failure_text);
	return true;
}

/* The version to switch to, or to check and publish again. */
static void use_version(const struct plan_facts *facts, const struct plan_version *version,
	int64_t now_usec, struct plan_decision *decision)
{
	bool live = version->phase == PHASE_LIVE;
	bool same_rules = digest_equal(&version->validated, &facts->validate);
	bool moved = live && !version->followed;

	if (live && same_rules && version->published && !moved) {
		decision->action = ACTION_UNCHANGED;
		return;
	}
	if (!same_rules && waits_after_failure(facts, now_usec, decision))
		return;
	decision->action = ACTION_SWITCH;
	decision->switch_to = version->version;
	decision->revalidate = !same_rules;
	if (!live)
		reasons_add(&decision->reasons, REASON_REVERTED, NULL, NULL, NULL,
			"version %lld has this closure already", (long long)version->version);
	if (!same_rules)
		reasons_add(&decision->reasons, REASON_TEMPLATE, "kiln.json", NULL, NULL,
			"validate changed: version %lld is checked again, not built",
			(long long)version->version);
	if (!version->published)
		reasons_add(&decision->reasons, REASON_TEMPLATE, "kiln.json", NULL, NULL,
			"publish changed: version %lld is published again, not built",
			(long long)version->version);
	if (moved)
		reasons_add(&decision->reasons, REASON_TEMPLATE, "kiln.json", NULL, NULL,
			"channels changed: they are to name version %lld",
			(long long)version->version);
}

static void decide_by_closure(
	const struct plan_facts *facts, int64_t now_usec, struct plan_decision *decision)
{
	const struct plan_version *wanted = newest_wanted(facts);
	const struct plan_version *live = live_version(facts);

	if (facts->forced) {
		need_build(facts, decision);
		if (facts->version_count)
			reasons_add(&decision->reasons, REASON_FORCED, NULL, NULL, NULL,
				"it was asked for");
		return;
	}
	if (wanted && wanted->quarantined) {
		decision->action = ACTION_QUARANTINED;
		reasons_add(&decision->reasons, REASON_REVERTED, NULL, NULL, NULL,
			"version %lld, the newest of this closure, is quarantined (kiln release "
			"lifts "
			"it)",
			(long long)wanted->version);
		return;
	}
	if (wanted && is_due(wanted, now_usec, decision) &&
		!waits_after_failure(facts, now_usec, decision)) {
		need_build(facts, decision);
		reasons_add(&decision->reasons, REASON_AGE, NULL, NULL, NULL,
			"it was built %lld hours ago",
			(long long)((now_usec - wanted->confirmed_usec) / 3600000000));
		return;
	}
	if (decision->action == ACTION_BLOCKED &&
		wanted) { /* due, but it failed: what is there serves on */
		reasons_clear(&decision->reasons);
		decision->action = ACTION_NONE;
	}
	if (live && has_closure(live, &facts->closure) && !live->quarantined)
		wanted = live;
	if (wanted && !wanted->quarantined) {
		use_version(facts, wanted, now_usec, decision);
		return;
	}
	if (waits_after_failure(facts, now_usec, decision))
		return;
	need_build(facts, decision);
	decision->explain = facts->version_count != 0;
}

/* ---- all of them, parents first ---- */

enum mark { UNSEEN, OPEN, DONE };

struct planner {
	const struct plan_facts *facts;
	struct plan_decision *decisions;
	enum mark *marks;
	struct map by_name; /* name -> index + 1 */
	int64_t now_usec;
};

static void decide(struct planner *planner, size_t index);

/* The place of an image in the plan; false: it is not there, and what the store has of it is taken. */
static bool find_place(const struct planner *planner, const char *name, size_t *place)
{
	size_t found = (size_t)(uintptr_t)map_find(&planner->by_name, name);

	*place = found - 1;
	return found != 0;
}

/* Every parent is decided first; true if one of them is built, however far up, on this image itself. */
static bool is_in_circle(struct planner *planner, size_t index)
{
	const struct plan_facts *facts = &planner->facts[index];
	struct reasons *reasons = &planner->decisions[index].reasons;
	bool circle = false;

	for (size_t i = 0; facts->parents && i < facts->parents->count; i++) {
		const char *name = facts->parents->items[i];
		size_t parent;
		if (!find_place(planner, name, &parent))
			continue;
		bool open = planner->marks[parent] == OPEN;
		if (!open)
			decide(planner, parent);
		const struct reasons *above = &planner->decisions[parent].reasons;
		if (open)
			reasons_add(reasons, REASON_CYCLE, NULL, NULL, NULL,
				"%s is built on %s, which is built on it", facts->name, name);
		else if (above->count && above->items[0].kind == REASON_CYCLE)
			reasons_add(reasons, REASON_CYCLE, NULL, NULL, NULL,
				"its base %s is in a circle", name);
		else
			continue;
		circle = true;
	}
	return circle;
}

/* Another version of it will be live than is now. */
static bool will_move(const struct planner *planner, size_t index)
{
	const struct plan_decision *decision = &planner->decisions[index];
	const struct plan_version *live = live_version(&planner->facts[index]);

	if (decision->action == ACTION_CREATE || decision->action == ACTION_REBUILD)
		return true;
	return decision->action == ACTION_SWITCH && live && live->version != decision->switch_to;
}

/* True if the parents decide it: a circle, or one that moves first. */
static bool decide_by_parents(struct planner *planner, size_t index)
{
	static const char *const what[ACTION_COUNT] = {[ACTION_CREATE] = "built",
		[ACTION_REBUILD] = "rebuilt",
		[ACTION_SWITCH] = "switched"};
	const struct plan_facts *facts = &planner->facts[index];
	struct plan_decision *decision = &planner->decisions[index];

	if (is_in_circle(planner, index)) {
		decision->action = ACTION_BLOCKED;
		return true;
	}
	for (size_t i = 0; facts->parents && i < facts->parents->count; i++) {
		const char *name = facts->parents->items[i];
		size_t parent;
		if (!find_place(planner, name, &parent) || !will_move(planner, parent))
			continue;
		decision->closure_known = false;
		decision->action = facts->version_count ? ACTION_REBUILD : ACTION_CREATE;
		reasons_add(&decision->reasons, REASON_BASE, NULL, NULL, NULL,
			"its base %s is %s first", name, what[planner->decisions[parent].action]);
		return true;
	}
	return false;
}

static void decide_one(struct planner *planner, size_t index)
{
	const struct plan_facts *facts = &planner->facts[index];
	struct plan_decision *decision = &planner->decisions[index];

	decision->closure_known = facts->complete;
	decision->next_usec = facts->look_usec;
	if (!facts->defined) {
		decision->action = ACTION_ORPHANED;
		reasons_add(&decision->reasons, REASON_ABSENT, NULL, NULL, NULL,
			"nothing in the repository defines it any more; it stays as it is until it "
			"is "
			"retired");
		return;
	}
	if (facts->held) {
		decision->action = ACTION_HELD;
		return;
	}
	if (facts->problems->count) {
		decision->action = ACTION_BLOCKED;
		reasons_add_all(&decision->reasons, facts->problems);
		return;
	}
	if (decide_by_parents(planner, index))
		return;
	if (!facts->complete) {
		decision->action = ACTION_BLOCKED;
		reasons_add(&decision->reasons, REASON_MISSING, NULL, NULL, NULL,
			"its base %s has no version that it could be built on",
			facts->parents && facts->parents->count ? facts->parents->items[0] : "?");
		return;
	}
	decide_by_closure(facts, planner->now_usec, decision);
}

static void decide(struct planner *planner, size_t index)
{
	if (planner->marks[index] != UNSEEN)
		return;
	planner->marks[index] = OPEN;
	decide_one(planner, index);
	planner->marks[index] = DONE;
}

void plan_decide(const struct plan_facts *facts, size_t count, int64_t now_usec,
	struct plan_decision *decisions)
{
	struct planner planner = {.facts = facts, .decisions = decisions, .now_usec = now_usec};
	autofree enum mark *marks = memory_new(count * sizeof(*marks));

	planner.marks = marks;
	for (size_t i = 0; i < count; i++) {
		decisions[i] = (struct plan_decision){0};
		map_set(&planner.by_name, facts[i].name, (void *)(uintptr_t)(i + 1));
	}
	for (size_t i = 0; i < count; i++)
		decide(&planner, i);
	map_clear(&planner.by_name);
}
