/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/passing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "reconciler/adopting.h"
#include "reconciler/collecting.h"
#include "reconciler/daemon.h"
#include "reconciler/freeze.h"
#include "reconciler/new_build.h"
#include "reconciler/planning.h"
#include "reconciler/prepare.h"
#include "reconciler/switching.h"
#include "reconciler/world.h"

enum { ROUNDS_MOST = 5 }; /* of one image in one pass: something keeps changing under it */

/* ---- what the client hears ---- */

static const char *shown_name(const struct pass *pass, const char *name, char **buffer)
{
	if (!pass->repository.prefixed)
		return name;
	*buffer = memory_printf("%s/%s", pass->repository.name, name);
	return *buffer;
}

void pass_report(const struct pass *pass, const char *name, const struct build_record *build,
	const char *action, const char *text)
{
	autofree char *buffer = NULL;
	struct json *item = json_new_object();
	char time[MOMENT_TEXT_SIZE];

	if (!pass->task.client) {
		json_free(item);
		return;
	}
	json_set_text(item, "time", moment_text(world->now_usec(), time));
	json_set_text(item, "image", name ? shown_name(pass, name, &buffer) : NULL);
	json_set_text(item, "build", build ? build->id : NULL);
	json_set_text(item, "phase", build ? phase_name(build->phase) : NULL);
	if (build && build->version)
		json_set_integer(item, "version", build->version);
	else
		json_set(item, "version", NULL);
	json_set_text(item, "text", text);
	json_set_text(item, "action", action);
	client_item(pass->task.client, item);
}

/* Nothing is done with it, and who asked for it should know why. */
static void report_idle(struct pass *pass, struct item *item)
{
	const struct json *first = json_item(item->reasons, 0);
	bool named = strings_has(&pass->options.names, item->name);

	/* what stands in the way of an image that nobody asked for is its own affair */
	if (item->action == ACTION_BLOCKED && (named || !pass->options.names.count)) {
		item->blocked = true;
		pass->blocked++;
	} else if (!named || item->action == ACTION_UNCHANGED) {
		return;
	}
	pass_report(pass, item->name, NULL, action_name(item->action),
		json_get_text(first, "text", action_name(item->action)));
}

static void tell_planned(const struct pass *pass, const struct item *item)
{
	const struct json *first = json_item(item->reasons, 0);
	bool blocked = item->action == ACTION_BLOCKED &&
	               strcmp(json_get_text(first, "kind", ""), "failed") != 0;

	if (pass->options.planned)
		pass->options.planned(pass->options.context, item->name,
			blocked ? json_get_text(first, "text", "blocked") : NULL);
}

/* ---- items ---- */

static void item_forget(struct item *item)
{
	strings_clear(&item->parents);
	free(item->definition);
	json_free(item->policy);
	json_free(item->reasons);
	item->definition = NULL;
	item->policy = item->reasons = NULL;
	item->switch_to = 0;
	item->revalidate = false;
}

struct item *pass_item(struct pass *pass, const char *name)
{
	size_t index = (size_t)(uintptr_t)map_find(&pass->by_name, name);

	if (index)
		return &pass->items[index - 1];
	MEMORY_GROW(pass->items, pass->count, pass->room);
	struct item *item = &pass->items[pass->count++];
	*item = (struct item){.name = memory_copy_text(name)};
	map_set(&pass->by_name, name, (void *)(uintptr_t)pass->count);
	return item;
}

/* Something else is under way with the image; one that another pass just made has no row in ours yet. */
static bool is_occupied(struct loop *loop, struct pass *pass, struct item *item)
{
	struct image_record record;
	struct error ignored;

	if (!item->image && image_find(pass->head->store, pass->repository.id, item->name, &record,
				    &ignored) > 0) {
		item->image = record.id;
		image_record_clear(&record);
	}
	return item->image && loop_find_replacement(loop, item->image);
}

static bool is_settled(const struct pass *pass, const struct strings *parents)
{
	strings_each (parent, parents) {
		size_t index = (size_t)(uintptr_t)map_find(&pass->by_name, parent);
		if (index && pass->items[index - 1].state != ITEM_DONE)
			return false;
	}
	return true;
}

/* A build that an earlier head left, or that a commit before this one wanted. */
static void meet_predecessor(struct loop *loop, struct pass *pass, struct item *item)
{
	struct replacement *other = item->image ? loop_find_replacement(loop, item->image) : NULL;
	bool builds = item->action == ACTION_CREATE || item->action == ACTION_REBUILD;

	if (!other || other->task)
		return;
	if (builds && item->state == ITEM_READY && !other->build.reuses && !other->ordered &&
		digest_equal(&other->build.closure, &item->closure)) {
		other->task = &pass->task;
		item->state = ITEM_RUNNING;
		item->replacement = other;
		pass_report(pass, item->name, &other->build, NULL, "taken over");
		return;
	}
	loop_cancel(loop, other, "it is not wanted any more");
	if (item->state == ITEM_DONE)
		other->task = &pass->task;
}

/* What the plan says of one image becomes the item's. */
static int take_decision(struct loop *loop, struct pass *pass, struct planning *planning,
	size_t index, struct error *err)
{
	const struct image_facts *facts = &planning->facts.items[index];
	const struct plan_decision *decision = &planning->decisions[index];
	struct item *item = pass_item(pass, facts->wanted.name);
	autojson struct json *about = planning_image(&pass->repository, planning, index, err);

	if (!about)
		return -1;
	item_forget(item);
	item->action = decision->action;
	item->image = facts->image;
	item->closure = facts->wanted.closure;
	item->rules = facts->wanted.validate;
	item->switch_to = decision->switch_to;
	item->next_usec = decision->next_usec;
	item->revalidate = decision->revalidate;
	item->definition =
		memory_copy_text(facts->wanted.definition ? facts->wanted.definition : "");
	item->policy = indexed_image_policy(&facts->wanted);
	item->reasons = json_copy(json_get(about, "reasons"));
	strings_add_all(&item->parents, &facts->wanted.parents);
	if (!action_is_work(decision->action))
		item->state = ITEM_DONE;
	else if (decision->closure_known || decision->action == ACTION_SWITCH)
		item->state = ITEM_READY;
	else
		item->state = ITEM_WAITING;
	if (item->state != ITEM_DONE && ++item->rounds > ROUNDS_MOST) {
		item->state = ITEM_DONE;
		pass->failed++;
		pass_report(pass, item->name, NULL, NULL,
			"it does not come to rest: something keeps changing under it");
	}
	if (!action_is_work(decision->action))
		report_idle(pass, item);
	/* what an accepted commit began is not a refused one's to end */
	if (!planning->refusal)
		meet_predecessor(loop, pass, item);
	return 0;
}

static int plan(struct loop *loop, struct pass *pass, const struct strings *names, bool again,
	struct error *err)
{
	struct planning planning;
	struct planning_options options = {.revision = pass->commit_hex,
		.names = names,
		.may_be_gone = pass->options.limited,
		.named = pass->options.names.count != 0 && !pass->options.limited && !again,
		.forced = pass->options.forced && !again,
		.keep = pass->followed,
		.now_usec = world->now_usec()};
	int result = 0;

	if (planning_make(&pass->repository, &options, &planning, err) < 0)
		return -1;
	for (size_t i = 0; i < planning.facts.count && result == 0; i++) {
		const struct image_facts *facts = &planning.facts.items[i];
		/* parents are there to be decided by: of those the pass knows its own mind */
		if (again && !strings_has(names, facts->wanted.name))
			continue;
		result = take_decision(loop, pass, &planning, i, err);
		if (!again && facts->defined && facts->builds.count > 1)
			strings_add(&pass->sweep, facts->wanted.name);
	}
	if (planning.refusal && !pass->refusal)
		pass->refusal = TAKE(planning.refusal);
	planning_clear(&planning);
	return result;
}

/* ---- beginning a replacement ---- */

static int begin_build(struct loop *loop, struct pass *pass, struct item *item, struct error *err)
{
	struct new_build wanted = {.repository = &pass->repository,
		.commit = &pass->commit,
		.image = item->name,
		.definition = item->definition,
		.action = action_name(item->action),
		.closure = item->closure,
		.rules = item->rules,
		.reuses = item->revalidate ? item->switch_to : 0,
		.policy = item->policy,
		.reasons = item->reasons,
		.settings = &pass->options.settings};
	struct replacement *replacement;
	int made = new_build_add(&wanted, &replacement, err);

	if (made < 0)
		return -1;
	if (!made) {
		item->state = ITEM_WAITING; /* its base moved meanwhile */
		return 0;
	}
	item->image = replacement->build.image;
	item->state = ITEM_RUNNING;
	item->replacement = replacement;
	const struct json *reason = json_item(item->reasons, 0);
	pass_report(pass, item->name, &replacement->build, action_name(item->action),
		json_get_text(reason, "text", ""));
	if (pass->options.logs && pass->task.client)
		loop_follow_log(loop, pass->task.client, replacement->build.id, true);
	loop_add_replacement(loop, replacement, &pass->task);
	return 0;
}

static int begin_switch(struct loop *loop, struct pass *pass, struct item *item, struct error *err)
{
	struct switching switching = {.image = item->image,
		.version = item->switch_to,
		.why = "switch",
		.channels = prepare_channels(item->policy, item->switch_to),
		.publish = json_get(item->policy, "publish"),
		.following = json_get(item->policy, "channels")};

	item->replacement = switching_begin(loop, pass->head, &pass->task, &switching, err);
	if (!item->replacement)
		return -1;
	item->state = ITEM_RUNNING;
	return 0;
}

static void fail_item(struct pass *pass, struct item *item, const char *text)
{
	item->state = ITEM_DONE;
	pass->failed++;
	pass_report(pass, item->name, NULL, NULL, text);
}

/* True if the switch is not to be now. */
static bool wait_for_thaw(struct pass *pass, struct item *item)
{
	int64_t until_usec =
		freeze_until(&pass->head->service, pass->repository.name, world->now_usec());

	if (!until_usec)
		return false;
	item->state = ITEM_DONE;
	item->next_usec = until_usec == INT64_MAX ? 0 : until_usec;
	pass->waiting++;
	pass_report(pass, item->name, NULL, action_name(item->action),
		"the switch waits for the end of a freeze");
	return true;
}

static void begin(struct loop *loop, struct pass *pass, struct item *item)
{
	struct error err;
	bool builds = item->action != ACTION_SWITCH || item->revalidate;

	if (!builds && wait_for_thaw(pass, item))
		return;
	if ((builds ? begin_build(loop, pass, item, &err) : begin_switch(loop, pass, item, &err)) <
		0)
		fail_item(pass, item, err.text);
}

/* ---- the end of a replacement ---- */

static void moved(struct task *task, const struct replacement *replacement, const char *text)
{
	struct pass *pass = (struct pass *)task;

	pass_report(pass, replacement->image, &replacement->build, NULL, text);
}

static void count_end(struct pass *pass, const struct replacement *replacement, bool ordered)
{
	switch (replacement->build.phase) {
	case PHASE_LIVE:
		if (ordered)
			pass->switched++;
		else
			pass->live++;
		break;
	case PHASE_UNNEEDED:
		if (replacement->build.reuses)
			pass->checked++;
		else
			pass->unneeded++;
		break;
	case PHASE_RETIRED:
		pass->retired++;
		break;
	default:
		break;
	}
}

static void ended(struct loop *loop, struct task *task, struct replacement *replacement)
{
	struct pass *pass = (struct pass *)task;
	struct item *item = pass_item(pass, replacement->image);
	enum phase phase = replacement->build.phase;

	(void)loop;
	if (replacement->frozen) {
		pass_report(pass, item->name, &replacement->build, NULL, replacement->failure.text);
		pass->waiting++;
		if (item->replacement == replacement)
			item->state = ITEM_DONE;
		return;
	}
	if (replacement->later) {
		autofree char *text = memory_printf(
			"%s (the next apply goes on from here)", replacement->failure.text);
		pass_report(pass, item->name, &replacement->build, NULL, text);
		pass->failed++;
		if (item->replacement == replacement)
			item->state = ITEM_DONE;
		return;
	}
	count_end(pass, replacement, item->action == ACTION_SWITCH);
	item->moved |= phase != PHASE_CANCELLED && phase != PHASE_FAILED;
	if (item->replacement != replacement)
		return;
	item->replacement = NULL;
	item->state = ITEM_DONE;
	if (phase == PHASE_CANCELLED ||
		(phase == PHASE_FAILED && replacement->failure.kind != ERROR_CONFLICT))
		pass->failed +=
			!pass->cancelled; /* somebody did not want it: nor do we try again */
	else if (phase == PHASE_UNNEEDED || phase == PHASE_FAILED)
		item->state = ITEM_WAITING; /* what is left to do, if anything is? */
}

/* ---- driving the pass ---- */

static bool plan_waiting(struct loop *loop, struct pass *pass)
{
	CLEANUP(strings_clear) struct strings names = {0};
	struct error err;

	for (size_t i = 0; i < pass->count; i++) {
		struct item *item = &pass->items[i];
		if (item->state == ITEM_WAITING && is_settled(pass, &item->parents) &&
			!is_occupied(loop, pass, item))
			strings_add(&names, item->name);
	}
	if (!names.count)
		return false;
	if (plan(loop, pass, &names, true, &err) < 0)
		strings_each (name, &names)
			fail_item(pass, pass_item(pass, name), err.text);
	return true;
}

/* One at a time: its worker is to be running before the next one asks for room. */
static bool begin_next(struct loop *loop, struct pass *pass)
{
	if (!loop_has_room(loop, JOB_BUILD))
		return false;
	for (size_t i = 0; i < pass->count; i++) {
		struct item *item = &pass->items[i];
		if (item->state != ITEM_READY)
			continue;
		if (is_occupied(loop, pass, item)) {
			item->state = ITEM_WAITING; /* what comes of that may be what is wanted */
			continue;
		}
		begin(loop, pass, item);
		return true;
	}
	return false;
}

static bool is_waiting(const struct pass *pass)
{
	for (size_t i = 0; i < pass->count; i++)
		if (pass->items[i].state == ITEM_WAITING || pass->items[i].state == ITEM_READY)
			return true;
	return false;
}

static bool is_busy(const struct pass *pass)
{
	for (size_t i = 0; i < pass->count; i++)
		if (pass->items[i].state != ITEM_DONE)
			return true;
	return false;
}

static void add_count(struct text *text, size_t count, const char *what)
{
	if (count)
		text_addf(text, "%s%zu %s", text->size ? ", " : "", count, what);
}

static void tell_end(const struct pass *pass, const char *text)
{
	CLEANUP(strings_clear) struct strings moved = {0};
	struct pass_end end = {.commit = pass->commit_hex,
		.text = text,
		.refusal = pass->refusal,
		.cancelled = pass->cancelled,
		.failed = pass->failed,
		.moved = &moved};

	if (!pass->options.over)
		return;
	for (size_t i = 0; i < pass->count; i++) {
		int64_t next_usec = pass->items[i].next_usec;
		tell_planned(pass, &pass->items[i]);
		if (pass->items[i].moved)
			strings_add(&moved, pass->items[i].name);
		if (next_usec && (!end.next_usec || next_usec < end.next_usec))
			end.next_usec = next_usec;
	}
	pass->options.over(pass->options.context, &end);
}

static void end_part(struct apply *apply, struct client *client)
{
	if (--apply->passes == 0 && client)
		client_end(client, apply->failed ? 1 : 0);
}

void apply_hold(struct apply *apply)
{
	apply->passes++;
	apply->references++;
}

void apply_release(struct apply *apply, struct client *client)
{
	end_part(apply, client);
	if (--apply->references == 0)
		free(apply);
}

static void finish(struct loop *loop, struct pass *pass)
{
	CLEANUP(text_clear) struct text text = {0};
	struct error err;
	size_t unchanged = 0;

	for (size_t i = 0; i < pass->count; i++)
		unchanged += !pass->items[i].rounds && !pass->items[i].blocked;
	add_count(&text, pass->live, "new");
	add_count(&text, pass->switched, "switched");
	add_count(&text, pass->unneeded, "equal to what was live");
	add_count(&text, pass->checked, "checked again");
	add_count(&text, unchanged, "unchanged");
	add_count(&text, pass->blocked, "blocked");
	add_count(&text, pass->failed, "failed");
	add_count(&text, pass->waiting, "waiting for the end of a freeze");
	add_count(&text, pass->retired, "retired");
	if (pass->cancelled)
		text_addf(&text, "%scancelled", text.size ? "; " : "");
	pass_report(pass, NULL, NULL, NULL, text.size ? text_get(&text) : "no images");
	if (pass->followed && !pass->cancelled &&
		repository_set_commit(
			pass->head->store, pass->repository.id, pass->commit_hex, &err) < 0)
		pass_report(pass, NULL, NULL, NULL, err.text);
	pass->task.done = true;
	/* what was built may have filled the cache; that it cannot be emptied is the next one's to say */
	if (pass->live + pass->unneeded + pass->failed)
		collecting_begin(loop, pass->head, NULL, 0, &err);
	tell_end(pass, text.size ? text_get(&text) : "no images");
	if (!pass->apply)
		return;
	pass->apply->failed |= pass->failed || pass->blocked || pass->cancelled;
	end_part(pass->apply, pass->task.client);
}

static bool advance(struct loop *loop, struct task *task)
{
	struct pass *pass = (struct pass *)task;

	if (daemon_is_draining(pass->head->daemon) && !pass->cancelled && is_waiting(pass)) {
		pass->cancelled = true;
		pass_report(pass, NULL, NULL, NULL, "the daemon begins nothing more (kiln drain)");
	}

	if (pass->cancelled)
		for (size_t i = 0; i < pass->count; i++)
			if (pass->items[i].state != ITEM_RUNNING)
				pass->items[i].state = ITEM_DONE;
	if (plan_waiting(loop, pass) || begin_next(loop, pass))
		return true;
	if (is_busy(pass) || loop_has_replacements(loop, task))
		return false;
	if (!pass->sweeping && !pass->cancelled && !pass->refusal) {
		pass->sweeping = true;
		pass_sweep(loop, pass);
		pass_prune(loop, pass);
		return true;
	}
	finish(loop, pass);
	return true;
}

static void cancel(struct loop *loop, struct task *task)
{
	struct pass *pass = (struct pass *)task;

	pass->cancelled = true;
	loop_cancel_all(loop, task, "cancelled");
}

static void pass_free(struct task *task)
{
	struct pass *pass = (struct pass *)task;

	for (size_t i = 0; i < pass->count; i++) {
		item_forget(&pass->items[i]);
		free(pass->items[i].name);
	}
	free(pass->items);
	map_clear(&pass->by_name);
	strings_clear(&pass->sweep);
	strings_clear(&pass->options.names);
	build_settings_clear(&pass->options.settings);
	commit_clear(&pass->commit);
	free(pass->refusal);
	repository_close(&pass->repository);
	if (pass->apply && --pass->apply->references == 0)
		free(pass->apply);
	free(pass);
}

/* Said once: a work tree may have more than its commit. */
static void note_commit(const struct pass *pass)
{
	if (pass->task.client && source_has_work_tree(pass->repository.source))
		client_note(pass->task.client,
			"%s at commit %.12s (%s); uncommitted changes are not seen",
			pass->repository.name, pass->commit_hex, pass->commit.subject);
}

/* At its first apply the repository gets its row, and what catalogs have of it already its versions. */
static int get_registered(struct pass *pass, struct error *err)
{
	size_t adopted;

	if (pass->repository.id)
		return 0;
	if (repository_register(&pass->repository, err) < 0 ||
		adopting_read(&pass->repository, &adopted, err) < 0)
		return -1;
	if (adopted && pass->task.client)
		client_note(pass->task.client,
			"%s: %zu versions that the catalogs have were taken over from their "
			"manifests",
			pass->repository.name, adopted);
	return 0;
}

/* What an earlier pass began for images that are none of this one's: nothing defines them any more. */
static void cancel_undefined(struct loop *loop, struct pass *pass)
{
	for (struct replacement *r = NULL; (r = loop_next_replacement(loop, r));) {
		bool looked_at =
			!pass->options.names.count || strings_has(&pass->options.names, r->image);
		if (!r->task && looked_at && r->repository.id == pass->repository.id &&
			!map_find(&pass->by_name, r->image))
			loop_cancel(loop, r, "nothing in the repository defines it any more");
	}
}

static int open_pass(struct loop *loop, struct pass *pass, struct error *err)
{
	const struct pass_options *options = &pass->options;

	if (repository_open(pass->head, options->place, options->folder, &pass->repository, err) <
		0)
		return -1;
	repository_apply(&pass->repository, &pass->options.settings);
	if (repository_resolve(&pass->repository, options->revision, &pass->commit, err) < 0 ||
		get_registered(pass, err) < 0)
		return -1;
	object_id_hex(&pass->commit.id, pass->commit_hex);
	pass->followed = !options->revision && !build_settings_decide(&options->settings);
	note_commit(pass);
	if (plan(loop, pass, &options->names, false, err) < 0)
		return -1;
	if (pass->followed && !pass->refusal)
		cancel_undefined(loop, pass);
	return 0;
}

static struct pass *begin_pass(struct loop *loop, struct head *head, struct client *client,
	struct pass_options *options, struct error *err)
{
	struct pass *pass = memory_new(sizeof(*pass));

	*pass = (struct pass){
		.task = {client, false, NULL, advance, moved, ended, cancel, pass_free},
		.head = head,
		.options = *options};
	*options = (struct pass_options){0};
	if (open_pass(loop, pass, err) < 0) {
		pass_free(&pass->task);
		return NULL;
	}
	loop_add_task(loop, &pass->task);
	return pass;
}

int pass_begin(struct loop *loop, struct head *head, struct client *client, struct apply *apply,
	struct pass_options *options, struct error *err)
{
	struct pass *pass = begin_pass(loop, head, client, options, err);

	if (!pass)
		return -1;
	pass->apply = apply;
	if (apply)
		apply_hold(apply);
	return 0;
}

struct task *pass_begin_unasked(
	struct loop *loop, struct head *head, struct pass_options *options, struct error *err)
{
	struct pass *pass = begin_pass(loop, head, NULL, options, err);

	return pass ? &pass->task : NULL;
}

void pass_abandon(struct loop *loop, struct task *task, struct strings *left)
{
	struct pass *pass = (struct pass *)task;

	for (size_t i = 0; i < pass->count; i++)
		if (pass->items[i].state != ITEM_DONE)
			strings_add_once(left, pass->items[i].name);

	pass->options.over = NULL;
	loop_release_replacements(loop, task);
	task->done = true;
}
