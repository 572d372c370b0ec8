/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include "base/cleanup.h"
#include "reconciler/lookup.h"
#include "reconciler/planning.h"
#include "reconciler/retire.h"
#include "reconciler/world.h"

/* 1 if the repository still defines the image; a repository that cannot be read does not say. */
static int is_defined(struct head *head, struct client *client, const struct image_record *image,
	struct error *err)
{
	CLEANUP(repository_record_clear) struct repository_record record = {0};
	CLEANUP(repository_close) struct repository repository = {0};
	CLEANUP(strings_clear) struct strings names = {0};
	struct planning planning;
	struct error reason;

	if (repository_find(head->store, image->repository, &record, err) <= 0)
		return -1;
	strings_add(&names, image->name);
	struct planning_options options = {
		.names = &names, .any_commit = true, .now_usec = world->now_usec()};
	if (repository_open(head, record.place, NULL, &repository, &reason) < 0 ||
		planning_make(&repository, &options, &planning, &reason) < 0) {
		client_note(client, "whether %s is still defined cannot be seen: %s", image->name,
			reason.text);
		return 0;
	}
	bool defined = planning.facts.count && planning.facts.items[0].defined;
	planning_clear(&planning);
	return defined;
}

int verb_retire(struct head *head, struct client *client, struct error *err)
{
	const char *text = json_get_text(client_arguments(client), "image", "");
	CLEANUP(version_name_clear) struct version_name name = {0};

	if (lookup_version_name(head, text, &name, err) < 0)
		return -1;
	if (!name.version) {
		int defined = is_defined(head, client, &name.image, err);
		if (defined)
			return defined < 0
			               ? -1
			               : fail(err, ERROR_CATALOG,
						 "%s is still defined in %s: the next apply would "
						 "build it again (remove its definition first)",
						 name.image.name, name.image.repository_name);
	}
	return retire_begin(head->loop, head, client, &name.image, name.version, err);
}
