/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include "base/cleanup.h"
#include "reconciler/describe.h"
#include "reconciler/lookup.h"

static bool is_in(const struct version_marks *marks, int64_t version)
{
	for (size_t i = 0; i < marks->count; i++)
		if (marks->items[i].version == version)
			return true;
	return false;
}

/* Versions and builds, the newest last; VERSION (0: all) alone. */
static int add_builds(
	struct head *head, int64_t image, int64_t version, struct json *answer, struct error *err)
{
	CLEANUP(build_records_clear) struct build_records records = {0};
	CLEANUP(version_marks_clear) struct version_marks holds = {0}, quarantines = {0};
	struct json *versions = json_new_list(), *builds = json_new_list();

	json_set(answer, "versions", versions);
	json_set(answer, "builds", builds);
	if (builds_of_image(head->store, image, &records, err) < 0 ||
		marks_list(head->store, image, MARK_HOLD, &holds, err) < 0 ||
		marks_list(head->store, image, MARK_QUARANTINE, &quarantines, err) < 0)
		return -1;
	for (size_t i = 0; i < records.count; i++) {
		const struct build_record *record = &records.items[i];
		if (version && record->version != version)
			continue;
		json_add(builds, describe_build(record));
		if (!record->version)
			continue;
		struct json *described = describe_version(record);
		json_set_bool(described, "held", is_in(&holds, record->version));
		json_set_bool(described, "quarantined", is_in(&quarantines, record->version));
		json_add(versions, described);
	}
	return 0;
}

int verb_show(struct head *head, struct client *client, struct error *err)
{
	const char *text = json_get_text(client_arguments(client), "image", "");
	autojson struct json *answer = json_new_object();
	CLEANUP(version_name_clear) struct version_name name = {0};
	struct build_record named;
	autofree char *shown = NULL;
	struct json *channels;

	if (lookup_version_name(head, text, &name, err) < 0 ||
		describe_image(head, &name.image, &shown, err) < 0 ||
		describe_channels(head, name.image.id, &channels, err) < 0)
		return -1;
	json_set_text(answer, "name", shown);
	json_set_text(answer, "repository", name.image.repository_name);
	describe_number(answer, "live", json_get_integer(channels, "current", 0));
	json_set(answer, "channels", channels);
	json_set_bool(answer, "held", name.image.held);
	if (name.version) {
		int found =
			build_find_version(head->store, name.image.id, name.version, &named, err);
		if (found <= 0)
			return found < 0 ? -1
			                 : fail(err, ERROR_CATALOG, "%s has no version %lld", shown,
						   (long long)name.version);
		build_record_clear(&named);
	}
	if (add_builds(head, name.image.id, name.version, answer, err) < 0)
		return -1;
	client_item(client, TAKE(answer));
	client_end(client, 0);
	return 0;
}
