/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/definition.h"
#include "reconciler/describe.h"
#include "reconciler/errand.h"
#include "reconciler/lookup.h"
#include "reconciler/switching.h"

/* A channel that follows `current` would be moved back by the next switch. */
static int check_channel(
	struct head *head, const struct image_record *image, const char *channel, struct error *err)
{
	CLEANUP(build_record_clear) struct build_record live = {0};
	CLEANUP(strings_clear) struct strings following = {0};
	int64_t current;

	if (!definition_is_channel(channel))
		return fail(err, ERROR_CATALOG,
			"%s cannot be a channel: lower-case letters, digits and '-', a letter "
			"first",
			channel);
	if (strcmp(channel, "current") == 0)
		return fail(err, ERROR_CATALOG,
			"current names what the definition gives; kiln rollback moves it back");
	if (channel_find(head->store, image->id, "current", &current, err) < 0)
		return -1;
	if (!current || build_find_version(head->store, image->id, current, &live, err) <= 0)
		return 0;
	autojson struct json *policy = describe_column(live.policy);
	json_get_texts(policy, "channels", &following);
	if (strings_has(&following, channel))
		return fail(err, ERROR_CATALOG,
			"%s follows current (kiln.json, channels of %s): the next switch would "
			"move it",
			channel, image->name);
	return 0;
}

static int check_version(struct head *head, const struct image_record *image,
	const struct build_record *build, struct error *err)
{
	CLEANUP(version_marks_clear) struct version_marks quarantines = {0};

	if (!phase_is_published(build->phase))
		return fail(err, ERROR_CATALOG, "%s@%lld is %s: its files are in no catalog",
			image->name, (long long)build->version, phase_name(build->phase));
	if (!build->has_validated)
		return fail(err, ERROR_CATALOG, "%s@%lld was not validated", image->name,
			(long long)build->version);
	if (marks_list(head->store, image->id, MARK_QUARANTINE, &quarantines, err) < 0)
		return -1;
	for (size_t i = 0; i < quarantines.count; i++)
		if (quarantines.items[i].version == build->version)
			return fail(err, ERROR_CATALOG,
				"%s@%lld is quarantined (kiln release %s@%lld lifts it)",
				image->name, (long long)build->version, image->name,
				(long long)build->version);
	return 0;
}

static int promote(struct loop *loop, struct errand *errand, struct error *err)
{
	struct switching switching = {.image = errand->image.id,
		.version = errand->version,
		.why = "promote",
		.channels = json_new_object()};

	json_set_integer(switching.channels, errand->word, errand->version);
	return switching_begin(loop, errand->head, &errand->task, &switching, err) ? 0 : -1;
}

int verb_promote(struct head *head, struct client *client, struct error *err)
{
	const struct json *words = json_get(client_arguments(client), "words");
	const char *channel = json_text(json_item(words, 1), "");
	CLEANUP(version_name_clear) struct version_name name = {0};
	CLEANUP(build_record_clear) struct build_record build = {0};
	struct errand what = {.head = head, .act = promote};

	if (!strchr(json_text(json_item(words, 0), ""), '@'))
		return fail(err, ERROR_CATALOG, "say which version: IMAGE@N");
	if (lookup_version(head, json_text(json_item(words, 0), ""), &name, &build, err) < 0 ||
		check_channel(head, &name.image, channel, err) < 0 ||
		check_version(head, &name.image, &build, err) < 0)
		return -1;
	what.version = build.version;
	what.word = memory_copy_text(channel);
	return errand_begin(head->loop, client, &name.image, &what, err);
}
