/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include "base/cleanup.h"
#include "reconciler/describe.h"
#include "reconciler/lookup.h"

/* The version before VERSION, whatever became of it since. */
static int find_previous(
	struct head *head, int64_t image, int64_t version, struct json *answer, struct error *err)
{
	CLEANUP(build_records_clear) struct build_records records = {0};
	const struct build_record *previous = NULL;

	if (builds_of_image(head->store, image, &records, err) < 0)
		return -1;
	for (size_t i = 0; i < records.count; i++) {
		const struct build_record *record = &records.items[i];
		if (record->version && record->version < version &&
			(!previous || record->version > previous->version))
			previous = record;
	}
	if (!previous) {
		json_set(answer, "previous", NULL);
		return 0;
	}
	struct json *described = json_new_object();
	json_set_integer(described, "version", previous->version);
	json_set_text(described, "commit", previous->commit);
	describe_digest(described, "closure", true, &previous->closure);
	json_set(answer, "previous", described);
	return 0;
}

int verb_why(struct head *head, struct client *client, struct error *err)
{
	const char *text = json_get_text(client_arguments(client), "image", "");
	autojson struct json *answer = json_new_object();
	CLEANUP(version_name_clear) struct version_name name = {0};
	CLEANUP(build_record_clear) struct build_record build = {0};
	autofree char *shown = NULL;

	if (lookup_version(head, text, &name, &build, err) < 0 ||
		describe_image(head, &name.image, &shown, err) < 0)
		return -1;
	autojson struct json *policy = describe_column(build.policy);
	json_set_text(answer, "image", shown);
	json_set_integer(answer, "version", build.version);
	json_set_text(answer, "commit", build.commit);
	json_set_text(answer, "action", json_get_text(policy, "action", NULL));
	json_set(answer, "reasons", describe_column(build.reasons));
	if (find_previous(head, name.image.id, build.version, answer, err) < 0)
		return -1;
	client_item(client, TAKE(answer));
	client_end(client, 0);
	return 0;
}
