/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/memory.h"
#include "reconciler/describe.h"
#include "reconciler/verification.h"
#include "state/event.h"

void verification_fault(struct verification *verification, const char *kind, const char *where,
	const char *expected, const char *found)
{
	struct json *fault = json_new_object();

	json_set_text(fault, "kind", kind);
	json_set_text(fault, "where", where);
	json_set_text(fault, "expected", expected);
	json_set_text(fault, "found", found);
	json_set_text(fault, "path", NULL);
	json_add(verification->faults, fault);
}

/* What the events say of one build. */
struct told {
	char *phase, *commit, *author, *closure, *digest;
	int64_t version;
};

struct checking {
	struct verification *verification;
	struct map builds;   /* id -> struct told */
	struct map channels; /* "REPOSITORY/NAME CHANNEL" -> version as text */
};

static void free_told(void *value)
{
	struct told *told = value;

	free(told->phase);
	free(told->commit);
	free(told->author);
	free(told->closure);
	free(told->digest);
	free(told);
}

static void set(char **field, const struct json *data, const char *key)
{
	const char *text = json_get_text(data, key, NULL);

	if (!text)
		return;
	free(*field);
	*field = memory_copy_text(text);
}

static void take_build(
	struct checking *checking, const struct event *event, const struct json *data)
{
	struct told *told = map_find(&checking->builds, event->build);

	if (!told) {
		told = memory_new(sizeof(*told));
		map_set(&checking->builds, event->build, told);
	}
	set(&told->phase, data, "to");
	set(&told->commit, data, "commit");
	set(&told->author, data, "author");
	set(&told->closure, data, "closure");
	set(&told->digest, data, "digest");
	told->version = json_get_integer(data, "version", told->version);
}

static void take_channels(
	struct checking *checking, const struct event *event, const struct json *channels)
{
	json_each_member (member, channels) {
		autofree char *key = memory_printf("%s %s", event->image, member.key);
		map_set(&checking->channels, key,
			memory_printf("%lld", (long long)json_integer(member.value, 0)));
	}
}

static void forget_channels(struct checking *checking, const char *image)
{
	size_t size = strlen(image);

	map_each (entry, &checking->channels)
		if (strncmp(entry->key, image, size) == 0 && entry->key[size] == ' ')
			map_set(&checking->channels, entry->key, memory_copy_text(""));
}

static void take_event(struct checking *checking, const struct event *event)
{
	autojson struct json *data = describe_column(event->data);

	if (strcmp(event->kind, "phase") == 0 || strcmp(event->kind, "import") == 0)
		take_build(checking, event, data);
	else if (strcmp(event->kind, "channel") == 0)
		take_channels(checking, event, json_get(data, "channels"));
	else if (strcmp(event->kind, "retire") == 0)
		forget_channels(checking, event->image);
}

/* ---- the chain ---- */

static int check_chain(struct checking *checking, struct error *err)
{
	struct verification *verification = checking->verification;
	CLEANUP(events_clear) struct events events = {0};
	struct digest previous = {{0}}, digest;
	char expected[DIGEST_TEXT_SIZE], found[DIGEST_TEXT_SIZE];

	if (events_list(verification->head->store, EVENTS_ALL, NULL, &events, err) < 0)
		return -1;
	for (size_t i = 0; i < events.count; i++) {
		const struct event *event = &events.items[i];
		autofree char *where = memory_printf("event %lld", (long long)event->id);
		if (event->id != (int64_t)i + 1) {
			autofree char *number = memory_printf("event %zu", i + 1);
			verification_fault(verification, "event", number, number, where);
			break; /* everything behind a gap is shifted: it tells nothing new */
		}
		event_digest(event, &digest);
		if (!digest_equal(&event->previous, &previous))
			verification_fault(verification, "chain", where,
				digest_text(&previous, expected),
				digest_text(&event->previous, found));
		else if (!digest_equal(&event->digest, &digest))
			verification_fault(verification, "event", where,
				digest_text(&digest, expected), digest_text(&event->digest, found));
		previous = event->digest;
		take_event(checking, event);
	}
	verification->events = (int64_t)events.count;
	return 0;
}

/* ---- builds and channels ---- */

static void compare(struct checking *checking, const char *build, const char *what,
	const char *expected, const char *found)
{
	autofree char *where = memory_printf("build %s: %s", build, what);

	if (expected && (!found || strcmp(expected, found) != 0))
		verification_fault(checking->verification, "row", where, expected, found);
}

static int check_closure(
	struct checking *checking, const struct build_record *build, struct error *err)
{
	struct verification *verification = checking->verification;
	autofree char *text = NULL;
	char expected[DIGEST_TEXT_SIZE], found[DIGEST_TEXT_SIZE];
	autofree char *where = memory_printf("closure of build %s", build->id);
	struct digest digest;
	int have = closure_find(verification->head->store, &build->closure, &text, NULL, err);

	if (have < 0)
		return -1;
	digest_text(&build->closure, expected);
	if (!have) {
		verification_fault(verification, "closure", where, expected, NULL);
		return 0;
	}
	digest_of(text, strlen(text), &digest);
	if (!digest_equal(&digest, &build->closure))
		verification_fault(
			verification, "closure", where, expected, digest_text(&digest, found));
	return 0;
}

static int check_build(
	struct checking *checking, const struct build_record *build, struct error *err)
{
	struct told *told = map_find(&checking->builds, build->id);
	char digest[DIGEST_TEXT_SIZE];

	if (!told) {
		autofree char *where = memory_printf("build %s", build->id);
		verification_fault(
			checking->verification, "row", where, NULL, phase_name(build->phase));
		return 0;
	}
	compare(checking, build->id, "phase", told->phase, phase_name(build->phase));
	compare(checking, build->id, "commit", told->commit, build->commit);
	compare(checking, build->id, "author", told->author, build->author);
	compare(checking, build->id, "closure", told->closure,
		digest_text(&build->closure, digest));
	if (told->digest)
		compare(checking, build->id, "digest", told->digest,
			digest_text(&build->digest, digest));
	if (told->version) {
		autofree char *expected = memory_printf("%lld", (long long)told->version);
		autofree char *found = memory_printf("%lld", (long long)build->version);
		compare(checking, build->id, "version", expected, found);
	}
	free(TAKE(told->phase)); /* seen: what is left at the end is in no row */
	return check_closure(checking, build, err);
}

static int check_image(
	struct checking *checking, const struct image_record *image, struct error *err)
{
	struct store *store = checking->verification->head->store;
	CLEANUP(build_records_clear) struct build_records builds = {0};
	CLEANUP(version_marks_clear) struct version_marks channels = {0};

	if (builds_of_image(store, image->id, &builds, err) < 0 ||
		marks_list(store, image->id, MARK_CHANNEL, &channels, err) < 0)
		return -1;
	for (size_t i = 0; i < builds.count; i++)
		if (check_build(checking, &builds.items[i], err) < 0)
			return -1;
	for (size_t i = 0; i < channels.count; i++) {
		autofree char *key = memory_printf(
			"%s/%s %s", image->repository_name, image->name, channels.items[i].name);
		autofree char *found = memory_printf("%lld", (long long)channels.items[i].version);
		const char *expected = map_find(&checking->channels, key);
		if (!expected || strcmp(expected, found) != 0)
			verification_fault(checking->verification, "channel", key, expected, found);
		map_set(&checking->channels, key, memory_copy_text(""));
	}
	return 0;
}

static void report_lost(struct checking *checking)
{
	map_each (entry, &checking->builds) {
		const struct told *told = entry->value;
		autofree char *where = memory_printf("build %s", entry->key);
		if (told->phase)
			verification_fault(checking->verification, "row", where, told->phase, NULL);
	}
	map_each (entry, &checking->channels)
		if (*(const char *)entry->value)
			verification_fault(
				checking->verification, "channel", entry->key, entry->value, NULL);
}

static int check_all(struct checking *checking, struct error *err)
{
	CLEANUP(image_records_clear) struct image_records images = {0};

	if (check_chain(checking, err) < 0 ||
		images_list(checking->verification->head->store, 0, NULL, &images, err) < 0)
		return -1;
	for (size_t i = 0; i < images.count; i++)
		if (check_image(checking, &images.items[i], err) < 0)
			return -1;
	report_lost(checking);
	return 0;
}

int verification_store(struct verification *verification, struct error *err)
{
	struct checking checking = {.verification = verification,
		.builds = {.free_value = free_told},
		.channels = {.free_value = free}};
	int result = check_all(&checking, err);

	map_clear(&checking.builds);
	map_clear(&checking.channels);
	return result;
}
