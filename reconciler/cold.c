/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cold.h"

#include <stdlib.h>
#include <string.h>

#include "backends/journal.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/daemon.h"
#include "reconciler/describe.h"
#include "reconciler/lookup.h"
#include "reconciler/new_build.h"
#include "reconciler/resume.h"
#include "reconciler/world.h"

enum { ROUNDS = 2 };

struct cold {
	struct task task; /* first: tasks are these */
	struct head *head;
	struct version_name name;
	struct build_record version;
	struct build_settings settings;
	struct json *answer;
	struct json *about;       /* its member "cold" */
	char *shown, *where;      /* NAME; NAME@N */
	char *first;              /* the id of the first round's build */
	struct json *differences; /* of the first round */
	struct json *last;        /* what the last one compared, NULL: it did not come to that */
	struct error failure;     /* then */
	int rounds;
	bool running, cancelled;
};

int64_t cold_version(const char *policy)
{
	autojson struct json *json = describe_column(policy);

	return json_get_integer(json, "cold", 0);
}

/* ---- one round ---- */

static char *policy_of(const struct cold *cold)
{
	autojson struct json *policy = describe_column(cold->version.policy);

	json_set_integer(policy, "cold", cold->version.version);
	json_set_text(policy, "action", "verify");
	json_set_bool(policy, "no_checkpoints", true);
	json_remove(policy, "on_error");
	json_remove(policy, "published");
	if (cold->first)
		json_set_text(policy, "cold_first", cold->first);
	return json_to_line(policy);
}

/* What must not be retired meanwhile: what the version stands on, and itself. */
static char *bases_of(const struct cold *cold)
{
	autojson struct json *bases = describe_column(cold->version.bases);
	struct json *itself = json_new_object();
	char text[DIGEST_TEXT_SIZE];

	json_set_text(itself, "text", "");
	json_set_text(itself, "image", cold->name.image.name);
	json_set_integer(itself, "version", cold->version.version);
	json_set_text(itself, "digest", digest_text(&cold->version.digest, text));
	json_add(bases, itself);
	return json_to_line(bases);
}

static char *reasons_of(const struct cold *cold)
{
	autojson struct json *reasons = json_new_list();
	autofree char *text = memory_printf("%s is built anew to be compared", cold->where);
	struct json *reason = json_new_object();

	json_set_text(reason, "kind", "forced");
	json_set_text(reason, "path", NULL);
	json_set_text(reason, "old", NULL);
	json_set_text(reason, "new", NULL);
	json_set_text(reason, "text", text);
	json_add(reasons, reason);
	return json_to_line(reasons);
}

static int save(struct cold *cold, struct build_record *record, struct error *err)
{
	struct store *store = cold->head->store;
	const struct image_record *image = &cold->name.image;
	autofree char *closure = NULL, *notes = NULL;
	autofree char *full_name = memory_printf("%s/%s", image->repository_name, image->name);
	int found = closure_find(store, &cold->version.closure, &closure, &notes, err);

	if (found <= 0)
		return found < 0 ? -1 : fail(err, ERROR_BROKEN, "%s has no closure", cold->where);
	if (store_begin(store, err) < 0)
		return -1;
	if (build_add(store, record, closure, notes ? notes : "{}", full_name, err) < 0) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, err);
}

static int begin_round(struct loop *loop, struct cold *cold, struct error *err)
{
	const struct build_record *version = &cold->version;
	int64_t now_usec = world->now_usec();

	if (daemon_is_draining(cold->head->daemon))
		return fail(err, ERROR_CONFLICT, "%s: the daemon begins nothing more (kiln drain)",
			cold->where);
	struct replacement *replacement;
	struct build_record record = {.id = new_build_id(now_usec),
		.image = version->image,
		.phase = PHASE_PLANNED,
		.commit = memory_copy_text(version->commit),
		.author = memory_copy_text(version->author),
		.authored_usec = version->authored_usec,
		.closure = version->closure,
		.definition = memory_copy_text(version->definition),
		.policy = policy_of(cold),
		.reasons = reasons_of(cold),
		.bases = bases_of(cold),
		.builder = memory_copy_text(version->builder),
		.created_usec = now_usec};

	if (save(cold, &record, err) < 0 ||
		replacement_new(cold->head, &record, &replacement, err) < 0) {
		build_record_clear(&record);
		return -1;
	}
	replacement->settings = &cold->settings;
	if (!cold->first)
		cold->first = memory_copy_text(replacement->build.id);
	json_add_text(json_get(cold->about, "builds"), replacement->build.id);
	if (cold->task.client)
		client_note(cold->task.client, "%s is built without checkpoints%s, as %s",
			cold->where, cold->rounds ? " once more" : "", replacement->build.id);
	cold->rounds++;
	cold->running = true;
	loop_add_replacement(loop, replacement, &cold->task);
	return 0;
}

static void ended(struct loop *loop, struct task *task, struct replacement *replacement)
{
	struct cold *cold = (struct cold *)task;
	const struct json *comparison = journal_find_last(replacement->journal, "comparison");

	(void)loop;
	cold->running = false;
	if (replacement->build.phase == PHASE_UNNEEDED && comparison) {
		cold->last = json_copy(comparison);
		return;
	}
	if (replacement->build.phase == PHASE_CANCELLED)
		error_set(&cold->failure, ERROR_CONFLICT, "it was cancelled: %s",
			replacement->unwanted ? replacement->unwanted : "");
	else
		cold->failure = replacement->failure;
	error_add_context(&cold->failure, "%s (build %s)", cold->where, replacement->build.id);
}

/* ---- what comes of it ---- */

static void add_fault(struct cold *cold, const char *path, const char *expected, const char *found)
{
	struct json *fault = json_new_object();
	autofree char *where = memory_printf("%s%s%s", cold->where,
		*path == '/' ? ":"
		: *path      ? " "
			     : "",
		path);

	json_set_text(fault, "kind", "cold");
	json_set_text(fault, "where", where);
	json_set_text(fault, "expected", expected);
	json_set_text(fault, "found", found);
	json_set_text(fault, "path", path);
	json_add(json_get(cold->answer, "faults"), fault);
}

/* Those of the first round that the second had too are faults; the others every build has. */
static void sort_out(struct cold *cold)
{
	const struct json *again = json_get(cold->last, "differences");
	struct json *varies = json_get(cold->about, "varies");
	struct map alike = {0};

	for (size_t i = 0; i < json_count(again); i++)
		map_set(&alike, json_get_text(json_item(again, i), "path", ""), NULL);
	for (size_t i = 0; i < json_count(cold->differences); i++) {
		const struct json *one = json_item(cold->differences, i);
		const char *path = json_get_text(one, "path", "");
		if (map_find_place(&alike, path))
			add_fault(cold, path, json_get_text(one, "expected", NULL),
				json_get_text(one, "found", NULL));
		else
			json_add(varies, json_copy(one));
	}
	map_clear(&alike);
}

static void finish(struct cold *cold, const struct error *failure)
{
	struct client *client = cold->task.client;

	cold->task.done = true;
	if (!client)
		return;
	if (failure) {
		client_fail(client, failure, 1);
		return;
	}
	int code = json_count(json_get(cold->answer, "faults")) ? 1 : 0;
	client_item(client, TAKE(cold->answer));
	client_end(client, code);
}

/* The first round is over: true if a second one has to tell. */
static bool take_first(struct cold *cold)
{
	int64_t more = json_get_integer(cold->last, "more", 0);

	json_set(cold->about, "files", json_copy(json_get(cold->last, "files")));
	cold->differences = json_copy(json_get(cold->last, "differences"));
	if (more) {
		autofree char *text = memory_printf("%lld more differences", (long long)more);
		add_fault(cold, "", NULL, text);
	}
	return json_count(cold->differences) != 0;
}

static bool advance(struct loop *loop, struct task *task)
{
	struct cold *cold = (struct cold *)task;
	struct error err;

	if (cold->running)
		return false;
	if (cold->cancelled || (cold->rounds && !cold->last)) {
		finish(cold, &cold->failure);
		return true;
	}
	if (cold->rounds == ROUNDS)
		sort_out(cold);
	if (cold->rounds == ROUNDS || (cold->rounds && !take_first(cold))) {
		finish(cold, NULL);
		return true;
	}
	json_free(TAKE(cold->last));
	if (begin_round(loop, cold, &err) < 0)
		finish(cold, &err);
	return true;
}

static void cancel(struct loop *loop, struct task *task)
{
	struct cold *cold = (struct cold *)task;

	cold->cancelled = true;
	error_set(&cold->failure, ERROR_CONFLICT, "%s: cancelled", cold->where);
	loop_cancel_all(loop, task, "cancelled");
}

static void cold_free(struct task *task)
{
	struct cold *cold = (struct cold *)task;

	version_name_clear(&cold->name);
	build_record_clear(&cold->version);
	build_settings_clear(&cold->settings);
	json_free(cold->answer);
	json_free(cold->differences);
	json_free(cold->last);
	free(cold->shown);
	free(cold->where);
	free(cold->first);
	free(cold);
}

/* ---- beginning ---- */

static int check(const struct cold *cold, struct error *err)
{
	const struct build_record *version = &cold->version;
	autojson struct json *artifact = describe_column(version->artifact);

	if (!phase_is_published(version->phase))
		return fail(err, ERROR_CATALOG, "%s is %s: there is nothing to compare with",
			cold->where, phase_name(version->phase));
	if (!json_count(json_get(artifact, "files")))
		return fail(err, ERROR_CATALOG,
			"%s has no files here: what is elsewhere cannot be compared", cold->where);
	return 0;
}

static void describe(struct cold *cold)
{
	cold->about = json_new_object();
	json_set(cold->answer, "cold", cold->about);
	json_set_text(cold->about, "image", cold->shown);
	json_set_integer(cold->about, "version", cold->version.version);
	json_set_text(cold->about, "commit", cold->version.commit);
	describe_digest(cold->about, "closure", true, &cold->version.closure);
	json_set(cold->about, "builds", json_new_list());
	json_set(cold->about, "files", NULL);
	json_set(cold->about, "varies", json_new_list());
}

int cold_begin(struct loop *loop, struct head *head, struct client *client, const char *word,
	struct build_settings *settings, struct json *answer, struct error *err)
{
	struct cold *cold = memory_new(sizeof(*cold));

	*cold = (struct cold){
		.task = {client, false, NULL, advance, NULL, ended, cancel, cold_free},
		.head = head,
		.settings = *settings,
		.answer = answer};
	*settings = (struct build_settings){0};
	/* one that was left behind is given up first */
	int result = resume(loop, head, 0, err);
	if (result == 0)
		result = lookup_version(head, word, &cold->name, &cold->version, err);
	if (result == 0)
		result = describe_image(head, &cold->name.image, &cold->shown, err);
	if (result == 0) {
		cold->where =
			memory_printf("%s@%lld", cold->shown, (long long)cold->version.version);
		describe(cold);
		result = check(cold, err);
	}
	if (result < 0) {
		cold_free(&cold->task);
		return -1;
	}
	loop_add_task(loop, &cold->task);
	return 0;
}
