/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/settle.h"

#include <stdlib.h>
#include <string.h>

#include "backends/journal.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/memory.h"
#include "reconciler/facts.h"
#include "reconciler/prepare.h"
#include "reconciler/schedule.h"
#include "state/event.h"

enum {
	TRIES_MOST = 3, /* of a failure that may pass, before it waits for its next day */
	FIRST_WAIT_SEC = 60,
	WAIT_FACTOR = 4,
	DAY_SEC = 24 * 3600,
};

static int move(struct replacement *replacement, enum phase to, int64_t now_usec, const char *text,
	struct error *err)
{
	struct build_move to_phase = {.to = to,
		.usec = now_usec,
		.image_name = replacement->full_name,
		.cause = &replacement->failure,
		.text = text};

	return build_move(replacement->head->store, &replacement->build, &to_phase, err);
}

static void failure_key(const struct replacement *replacement, struct digest *key)
{
	struct digest rules = {0};

	digest_parse(json_get_text(replacement->policy, "rules", ""), &rules);
	facts_failure_key(&replacement->build.closure, &rules, key);
}

static int forget_failure(struct replacement *replacement, struct error *err)
{
	struct digest key;

	failure_key(replacement, &key);
	return failure_forget(replacement->head->store, replacement->build.image, &key, err);
}

/* ---- each phase ---- */

/* What is checked again gets the artifact of the version that it is. */
static int enter_building(struct replacement *replacement, int64_t now_usec, struct error *err)
{
	struct build_record *build = &replacement->build;
	struct store *store = replacement->head->store;
	struct build_record version;

	if (build->reuses) {
		int found = build_find_version(store, build->image, build->reuses, &version, err);
		if (found <= 0)
			return found < 0 ? -1 : fail(err, ERROR_CONFLICT, "its version is gone");
		build->has_digest = version.has_digest;
		build->digest = version.digest;
		free(build->artifact);
		build->artifact = TAKE(version.artifact);
		build_record_clear(&version);
		if (build_set_artifact(store, build->id, &build->digest, build->artifact, err) < 0)
			return -1;
	}
	return move(replacement, PHASE_BUILDING, now_usec, NULL, err);
}

static int enter_validating(struct replacement *replacement, int64_t now_usec, struct error *err)
{
	struct build_record *build = &replacement->build;
	const struct json *made = journal_find_last(replacement->journal, "artifact");
	const struct json *found = journal_find_last(replacement->journal, "findings");

	if (!build->reuses) {
		autojson struct json *artifact = json_new_object();
		if (!digest_parse(json_get_text(made, "digest", ""), &build->digest))
			return fail(err, ERROR_BROKEN, "the worker ended without an artifact");
		json_set(artifact, "digest", json_copy(json_get(made, "digest")));
		json_set(artifact, "files", json_copy(json_get(made, "files")));
		json_set(artifact, "outputs", json_copy(json_get(made, "outputs")));
		json_set(artifact, "packer", json_copy(json_get(made, "packer")));
		if (found)
			json_set(artifact, "findings", json_copy(json_get(found, "list")));
		build->has_digest = true;
		free(build->artifact);
		build->artifact = json_to_line(artifact);
		if (build_set_artifact(replacement->head->store, build->id, &build->digest,
			    build->artifact, err) < 0)
			return -1;
	}
	return move(replacement, PHASE_VALIDATING, now_usec, NULL, err);
}

static int set_validated(struct replacement *replacement, const char *build, struct error *err)
{
	struct digest rules;

	if (!digest_parse(json_get_text(replacement->policy, "rules", ""), &rules))
		return 0;
	return build_set_validated(replacement->head->store, build, &rules, err);
}

static int enter_publishing(struct replacement *replacement, int64_t now_usec, struct error *err)
{
	if (set_validated(replacement, replacement->build.id, err) < 0)
		return -1;
	return move(replacement, PHASE_PUBLISHING, now_usec, NULL, err);
}

/* The version that is live, 0 if none is. */
static int find_live(struct replacement *replacement, struct build_record *live, struct error *err)
{
	struct store *store = replacement->head->store;
	int64_t version;

	if (channel_find(store, replacement->build.image, "current", &version, err) < 0)
		return -1;
	return version ? build_find_version(store, replacement->build.image, version, live, err)
	               : 0;
}

/* Nothing is published: the live version is confirmed, and known to come of this closure too. */
static int enter_unneeded(struct replacement *replacement, int64_t now_usec, struct error *err)
{
	struct build_record *build = &replacement->build;
	struct store *store = replacement->head->store;
	struct build_record same;

	if (replacement->cold) {
		autofree char *text =
			memory_printf("compared with version %lld", (long long)replacement->cold);
		return move(replacement, PHASE_UNNEEDED, now_usec, text, err);
	}
	int found = build->reuses
	                    ? build_find_version(store, build->image, build->reuses, &same, err)
	                    : find_live(replacement, &same, err);

	if (found <= 0)
		return found < 0 ? -1 : fail(err, ERROR_CONFLICT, "the version it equals is gone");
	int result = build->reuses ? set_validated(replacement, same.id, err)
	                           : build_set_confirmed(store, same.id, now_usec, err);
	if (result == 0 && !build->reuses)
		result = equal_set(store, build->image, &build->closure, same.version, err);
	if (result == 0)
		result = forget_failure(replacement, err);
	autofree char *text = memory_printf("%s version %lld",
		build->reuses ? "passes the new rules:" : "equals", (long long)same.version);
	build_record_clear(&same);
	return result < 0 ? -1 : move(replacement, PHASE_UNNEEDED, now_usec, text, err);
}

static int note_published(struct replacement *replacement, struct error *err)
{
	json_set(replacement->policy, "published",
		json_copy(json_get(replacement->policy, "publish")));
	autofree char *policy = json_to_line(replacement->policy);
	return build_set_policy(replacement->head->store, replacement->build.id, policy, err);
}

static int enter_switching(struct replacement *replacement, int64_t now_usec, struct error *err)
{
	if (note_published(replacement, err) < 0)
		return -1;
	return move(replacement, PHASE_SWITCHING, now_usec, NULL, err);
}

/* Another version than VERSION that is live is so no more. */
static int supersede_live(struct replacement *replacement, int64_t now_usec, struct error *err)
{
	struct build_record live;
	int found = find_live(replacement, &live, err);

	if (found <= 0)
		return found;
	int result = 0;
	if (live.phase == PHASE_LIVE && live.version != replacement->build.version) {
		struct build_move to_superseded = {.to = PHASE_SUPERSEDED,
			.usec = now_usec,
			.image_name = replacement->full_name};
		result = build_move(replacement->head->store, &live, &to_superseded, err);
	}
	build_record_clear(&live);
	return result;
}

static int set_channels(struct replacement *replacement, const struct json *channels,
	int64_t now_usec, struct error *err)
{
	struct store *store = replacement->head->store;

	json_each_member (member, channels)
		if (channel_set(store, replacement->build.image, member.key,
			    json_integer(member.value, 0), err) < 0)
			return -1;
	struct json *data = json_new_object();
	json_set(data, "channels", json_copy(channels));
	return event_add(store, now_usec, "channel", replacement->full_name, replacement->build.id,
		data, err);
}

static int enter_live(struct replacement *replacement, int64_t now_usec, struct error *err)
{
	autojson struct json *channels =
		prepare_channels(replacement->policy, replacement->build.version);

	if (supersede_live(replacement, now_usec, err) < 0 ||
		set_channels(replacement, channels, now_usec, err) < 0 ||
		forget_failure(replacement, err) < 0)
		return -1;
	return move(replacement, PHASE_LIVE, now_usec, NULL, err);
}

/* When it is worth trying again; 0: only when something changes. */
static int64_t next_try(const struct replacement *replacement, int64_t tries, int64_t now_usec)
{
	int64_t wait_sec = FIRST_WAIT_SEC, scheduled_usec;

	switch (replacement->failure.kind) {
	case ERROR_RESOURCE:
		return now_usec; /* whoever looks next sees whether there is room again */
	case ERROR_TRANSIENT:
		if (tries < TRIES_MOST) {
			for (int64_t i = 1; i < tries; i++)
				wait_sec *= WAIT_FACTOR;
			return now_usec + wait_sec * 1000000;
		}
		scheduled_usec = schedule_next_of(json_get(replacement->policy, "rebuild"),
			replacement->head->service.timezone, replacement->image, now_usec);
		return scheduled_usec ? scheduled_usec : now_usec + (int64_t)DAY_SEC * 1000000;
	default:
		return 0;
	}
}

static int enter_failed(struct replacement *replacement, int64_t now_usec, struct error *err)
{
	struct build_record *build = &replacement->build;
	struct store *store = replacement->head->store;
	struct failure_record before = {0};
	struct digest key;

	/* it says nothing of what the plan wants */
	if (replacement->cold)
		return move(replacement, PHASE_FAILED, now_usec, NULL, err);
	failure_key(replacement, &key);
	int known = failure_find(store, build->image, &key, &before, err);

	if (known < 0)
		return -1;
	int64_t next = next_try(replacement, before.tries + 1, now_usec);
	failure_record_clear(&before);
	/* somebody was there first: nothing is wrong with the definition, it is planned anew */
	if (replacement->failure.kind != ERROR_CONFLICT &&
		failure_set(store, build->image, &key, &replacement->failure, next, err) < 0)
		return -1;
	return move(replacement, PHASE_FAILED, now_usec, NULL, err);
}

static int enter_cancelled(struct replacement *replacement, int64_t now_usec, struct error *err)
{
	return move(replacement, PHASE_CANCELLED, now_usec, replacement->unwanted, err);
}

static int enter_retired(struct replacement *replacement, int64_t now_usec, struct error *err)
{
	struct store *store = replacement->head->store;
	const struct build_record *build = &replacement->build;

	if (hold_set(store, build->image, build->version, false, err) < 0)
		return -1;
	return move(replacement, PHASE_RETIRED, now_usec, NULL, err);
}

static int (*const entries[PHASE_COUNT])(
	struct replacement *replacement, int64_t now_usec, struct error *err) = {
	[PHASE_BUILDING] = enter_building,
	[PHASE_VALIDATING] = enter_validating,
	[PHASE_UNNEEDED] = enter_unneeded,
	[PHASE_PUBLISHING] = enter_publishing,
	[PHASE_SWITCHING] = enter_switching,
	[PHASE_LIVE] = enter_live,
	[PHASE_FAILED] = enter_failed,
	[PHASE_CANCELLED] = enter_cancelled,
	[PHASE_RETIRED] = enter_retired,
};

/* In one transaction, or not at all. */
static int in_transaction(struct replacement *replacement, int64_t now_usec, struct error *err,
	int (*change)(struct replacement *replacement, int64_t now_usec, struct error *err))
{
	struct store *store = replacement->head->store;
	enum phase phase = replacement->build.phase;
	int64_t version = replacement->build.version;

	if (store_begin(store, err) < 0)
		return -1;
	int result = change(replacement, now_usec, err);
	if (result == 0)
		result = store_commit(store, err);
	else
		store_rollback(store);
	if (result == 0)
		return 0;
	/* what was rolled back there is so here */
	replacement->build.phase = phase;
	replacement->build.version = version;
	return -1;
}

int settle_move(struct replacement *replacement, enum phase to, int64_t now_usec, struct error *err)
{
	FAULT("settle-before");
	if (in_transaction(replacement, now_usec, err, entries[to]) < 0)
		return fail_while(err, "%s", replacement->full_name);
	FAULT("settle-after");
	return 0;
}

/* ---- orders for versions that are published already ---- */

static int quarantine(
	struct replacement *replacement, const struct json *versions, struct error *err)
{
	struct store *store = replacement->head->store;

	for (size_t i = 0; i < json_count(versions); i++) {
		struct build_record version;
		int64_t number = json_integer(json_item(versions, i), 0);
		int found =
			build_find_version(store, replacement->build.image, number, &version, err);
		if (found <= 0)
			return found;
		int result = quarantine_add(
			store, replacement->build.image, &version.closure, number, err);
		build_record_clear(&version);
		if (result < 0)
			return -1;
	}
	return 0;
}

/* What the order changed of the version's policy. */
static int note_order(struct replacement *replacement, struct error *err)
{
	const struct json *names = json_get(replacement->ordered, "publish");
	const struct json *following = json_get(replacement->ordered, "following");
	CLEANUP(strings_clear) struct strings published = {0};
	struct json *list = json_new_list();

	if (following)
		json_set(replacement->policy, "channels", json_copy(following));

	json_get_texts(replacement->policy, "published", &published);
	for (size_t i = 0; i < json_count(names); i++)
		strings_add_once(&published, json_text(json_item(names, i), ""));
	strings_each (name, &published)
		json_add_text(list, name);
	json_set(replacement->policy, "published", list);
	autofree char *policy = json_to_line(replacement->policy);
	return build_set_policy(replacement->head->store, replacement->build.id, policy, err);
}

static int follow_order(struct replacement *replacement, int64_t now_usec, struct error *err)
{
	const struct json *ordered = replacement->ordered;
	const struct json *channels = json_get(ordered, "channels");
	struct store *store = replacement->head->store;
	struct json *data = json_copy(ordered);

	if (event_add(store, now_usec, json_get_text(ordered, "why", "switch"),
		    replacement->full_name, replacement->build.id, data, err) < 0)
		return -1;
	if (note_order(replacement, err) < 0)
		return -1;
	if (json_has(channels, "current") && replacement->build.phase != PHASE_LIVE &&
		(supersede_live(replacement, now_usec, err) < 0 ||
			move(replacement, PHASE_LIVE, now_usec, NULL, err) < 0))
		return -1;
	if (set_channels(replacement, channels, now_usec, err) < 0 ||
		quarantine(replacement, json_get(ordered, "quarantine"), err) < 0)
		return -1;
	return ledger_remove(store, replacement->ledger, err);
}

int settle_order(struct replacement *replacement, int64_t now_usec, struct error *err)
{
	FAULT("order-before");
	if (in_transaction(replacement, now_usec, err, follow_order) < 0)
		return fail_while(err, "%s", replacement->full_name);
	FAULT("order-after");
	replacement_set_order(replacement, 0, NULL);
	return 0;
}

static int write_entry(struct replacement *replacement, int64_t now_usec, struct error *err)
{
	struct store *store = replacement->head->store;
	autofree char *tag = json_to_line(replacement->ordered);
	CLEANUP(ledger_entries_clear) struct ledger_entries entries_of_build = {0};

	if (ledger_add(store, replacement->build.id, "switch", tag, now_usec, err) < 0 ||
		ledger_list(store, replacement->build.id, &entries_of_build, err) < 0)
		return -1;
	replacement->ledger = entries_of_build.items[entries_of_build.count - 1].id;
	return 0;
}

int settle_write_order(struct replacement *replacement, struct switch_order *order,
	int64_t now_usec, struct error *err)
{
	struct json *ordered = json_new_object();

	json_set_text(ordered, "why", order->why);
	json_set_integer(ordered, "version", replacement->build.version);
	json_set(ordered, "channels", order->channels);
	json_set(ordered, "catalogs", order->catalogs);
	json_set(ordered, "publish", order->publish);
	json_set(ordered, "quarantine", order->quarantine);
	json_set(ordered, "following", order->following);
	replacement_set_order(replacement, 0, ordered);
	if (in_transaction(replacement, now_usec, err, write_entry) < 0) {
		replacement_set_order(replacement, 0, NULL);
		return -1;
	}
	FAULT("order-written");
	return 0;
}
