/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/describe.h"
#include "reconciler/errand.h"
#include "reconciler/lookup.h"
#include "reconciler/prepare.h"
#include "reconciler/switching.h"

static bool is_quarantined(const struct version_marks *marks, int64_t version)
{
	for (size_t i = 0; i < marks->count; i++)
		if (marks->items[i].version == version)
			return true;
	return false;
}

/* The version that was live before the one that is: the one that was so last, unless it is quarantined. */
static int find_before(struct head *head, int64_t image, int64_t *version, struct error *err)
{
	CLEANUP(build_records_clear) struct build_records versions = {0};
	CLEANUP(version_marks_clear) struct version_marks quarantines = {0};
	int64_t latest_usec = 0;

	*version = 0;
	if (builds_published(head->store, image, &versions, err) < 0 ||
		marks_list(head->store, image, MARK_QUARANTINE, &quarantines, err) < 0)
		return -1;
	for (size_t i = 0; i < versions.count; i++) {
		const struct build_record *build = &versions.items[i];
		if (build->phase != PHASE_SUPERSEDED || build->live_usec <= latest_usec ||
			is_quarantined(&quarantines, build->version))
			continue;
		latest_usec = build->live_usec;
		*version = build->version;
	}
	return *version ? 0
	                : fail(err, ERROR_CATALOG,
				  "there is no version to go back to: none was live "
				  "before, or it is retired or quarantined");
}

static int check_target(
	struct head *head, const struct image_record *image, int64_t version, struct error *err)
{
	CLEANUP(version_marks_clear) struct version_marks quarantines = {0};
	CLEANUP(build_record_clear) struct build_record build = {0};
	int found = build_find_version(head->store, image->id, version, &build, err);

	if (found <= 0)
		return found < 0 ? -1
		                 : fail(err, ERROR_CATALOG,
					   "%s has no version %lld (kiln show %s lists them)",
					   image->name, (long long)version, image->name);
	if (build.phase == PHASE_LIVE)
		return fail(err, ERROR_CATALOG, "%s@%lld is live already", image->name,
			(long long)version);
	if (build.phase != PHASE_SUPERSEDED)
		return fail(err, ERROR_CATALOG, "%s@%lld is %s: its files are in no catalog",
			image->name, (long long)version, phase_name(build.phase));
	if (marks_list(head->store, image->id, MARK_QUARANTINE, &quarantines, err) < 0)
		return -1;
	if (is_quarantined(&quarantines, version))
		return fail(err, ERROR_CATALOG,
			"%s@%lld is quarantined (kiln release %s@%lld lifts it)", image->name,
			(long long)version, image->name, (long long)version);
	return 0;
}

/* Every newer version, and the one that it goes back from. */
static int list_quarantine(struct head *head, int64_t image, int64_t target, int64_t live,
	struct json **list, struct error *err)
{
	CLEANUP(build_records_clear) struct build_records versions = {0};

	if (builds_published(head->store, image, &versions, err) < 0)
		return -1;
	*list = json_new_list();
	for (size_t i = 0; i < versions.count; i++) {
		int64_t version = versions.items[i].version;
		if (version > target || version == live)
			json_add(*list, json_new_integer(version));
	}
	return 0;
}

/* The channels that follow `current` are those that the live version's definition said. */
static int roll_back(struct loop *loop, struct errand *errand, struct error *err)
{
	struct head *head = errand->head;
	CLEANUP(build_record_clear) struct build_record live = {0};
	int64_t image = errand->image.id, current;

	/* what was just being switched to is what is gone back from */
	if (!errand->version && find_before(head, image, &errand->version, err) < 0)
		return fail_while(err, "%s", errand->image.name);
	if (check_target(head, &errand->image, errand->version, err) < 0 ||
		channel_find(head->store, image, "current", &current, err) < 0)
		return -1;
	if (!current || build_find_version(head->store, image, current, &live, err) <= 0)
		return fail(err, ERROR_CATALOG, "%s has no live version", errand->image.name);
	autojson struct json *policy = describe_column(live.policy);
	struct switching switching = {.image = image,
		.version = errand->version,
		.why = "rollback",
		.publish = json_get(policy, "published"),
		.following = json_get(policy, "channels")};
	if (list_quarantine(head, image, errand->version, current, &switching.quarantine, err) < 0)
		return -1;
	switching.channels = prepare_channels(policy, errand->version);
	return switching_begin(loop, head, &errand->task, &switching, err) ? 0 : -1;
}

int verb_rollback(struct head *head, struct client *client, struct error *err)
{
	const struct json *words = json_get(client_arguments(client), "words");
	const char *number = json_text(json_item(words, 1), NULL);
	CLEANUP(image_record_clear) struct image_record image = {0};
	struct errand what = {.head = head, .cancels = true, .act = roll_back};

	if (lookup_image(head, json_text(json_item(words, 0), ""), &image, err) < 0)
		return -1;
	if (number && lookup_read_number(number, &what.version, err) < 0)
		return -1;
	if (number && check_target(head, &image, what.version, err) < 0)
		return -1;
	/* nothing is given up for an order that cannot be carried out */
	int64_t before;
	if (!number && find_before(head, image.id, &before, err) < 0)
		return fail_while(err, "%s", image.name);
	return errand_begin(head->loop, client, &image, &what, err);
}
