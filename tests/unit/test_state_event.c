/* SPDX-License-Identifier: Apache-2.0 */
#include "state/event.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "state/build.h"
#include "state/image.h"
#include "tests/unit/check.h"

static struct error err;

static bool is_zero(const struct digest *digest)
{
	static const struct digest zero;

	return digest_equal(digest, &zero);
}

/* The first event that does not follow from the one before, or NULL. */
static const struct event *find_break(const struct events *events)
{
	struct digest previous = {{0}}, wanted;

	for (size_t i = 0; i < events->count; i++) {
		const struct event *event = &events->items[i];
		event_digest(event, &wanted);
		if (!digest_equal(&event->previous, &previous) ||
			!digest_equal(&event->digest, &wanted))
			return event;
		previous = event->digest;
	}
	return NULL;
}

static void adds(struct store *store)
{
	struct digest last;
	struct json *data = json_new_object();

	CHECK(event_last(store, &last, &err) == 0 && is_zero(&last), "before the first are zeros");
	json_set_text(data, "who", "Zo\xC3\xAB \"\n");
	CHECK(event_add(store, 10, "hold", "zoo/cat", NULL, data, &err) == 0, "an event with data");
	CHECK(event_add(store, 11, "channel", NULL, "b1", NULL, &err) == 0, "one without");
	CHECK(event_add(store, 12, "phase", "zoo/cat", "b1", NULL, &err) == 0, "a third");
	CHECK(event_last(store, &last, &err) == 0 && !is_zero(&last), "the last has a digest");
}

static void lists(struct store *store)
{
	CLEANUP(events_clear) struct events all = {0}, of_build = {0}, of_image = {0};
	struct digest last;

	if (!CHECK(events_list(store, EVENTS_ALL, NULL, &all, &err) == 0 && all.count == 3,
		    "all three"))
		return;
	CHECK(!find_break(&all), "each follows from the one before");
	CHECK(event_last(store, &last, &err) == 0 && digest_equal(&last, &all.items[2].digest),
		"the last digest is the last one's");
	CHECK_TEXT(all.items[0].data, "{\"who\":\"Zo\xC3\xAB \\\"\\n\"}", "data stands as JSON");
	CHECK_TEXT(all.items[1].data, "{}", "also where there is none");
	CHECK(all.items[0].usec == 10 && !*all.items[0].build && !*all.items[1].image,
		"what is not meant is empty");
	CHECK(events_list(store, EVENTS_OF_BUILD, "b1", &of_build, &err) == 0 &&
			of_build.count == 2 && of_build.items[0].id == all.items[1].id,
		"those of a build, in their order");
	CHECK(events_list(store, EVENTS_OF_IMAGE, "zoo/cat", &of_image, &err) == 0 &&
			of_image.count == 2 && of_image.items[1].id == all.items[2].id,
		"those of an image");
}

/* Whatever is changed in an event, its digest is another one. */
static void shows_changes(struct store *store)
{
	static const char *const fields[] = {
		"id", "time", "kind", "image", "build", "data", "previous"};
	CLEANUP(events_clear) struct events all = {0};
	struct digest digest;

	if (!CHECK(events_list(store, EVENTS_ALL, NULL, &all, &err) == 0 && all.count == 3,
		    "events"))
		return;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		struct event forged = all.items[2];
		char other[] = "forged";
		forged.id += i == 0;
		forged.usec += i == 1;
		forged.kind = i == 2 ? other : forged.kind;
		forged.image = i == 3 ? other : forged.image;
		forged.build = i == 4 ? other : forged.build;
		forged.data = i == 5 ? other : forged.data;
		forged.previous.bytes[31] ^= i == 6;
		event_digest(&forged, &digest);
		CHECK(!digest_equal(&digest, &all.items[2].digest), "another %s, another digest",
			fields[i]);
	}
	struct event forged = all.items[2];
	char image[] = "zoo/ca", build[] = "tb1";
	forged.image = image;
	forged.build = build;
	event_digest(&forged, &digest);
	CHECK(!digest_equal(&digest, &all.items[2].digest),
		"a byte that moves from one field to the next changes it too");
	char *data = all.items[0].data;
	char changed[] = "{}";
	all.items[0].data = changed;
	CHECK(find_break(&all) == &all.items[0], "what is changed in the middle shows");
	all.items[0].data = data;
	struct events cut = {all.items + 1, 2, 2};
	CHECK(find_break(&cut) == cut.items, "and so does what is missing");
}

static void tells_of_moves(struct store *store)
{
	static const enum phase path[] = {PHASE_BUILDING, PHASE_VALIDATING, PHASE_PUBLISHING};
	struct build_record build = {.id = memory_copy_text("b7"),
		.commit = memory_copy_text("abc"),
		.author = memory_copy_text("Ada"),
		.definition = memory_copy_text("d"),
		.policy = memory_copy_text("{}"),
		.reasons = memory_copy_text("[]"),
		.bases = memory_copy_text("[]"),
		.builder = memory_copy_text("null")};
	CLEANUP(events_clear) struct events all = {0}, own = {0};
	struct digest before, wanted = {{0}};
	int64_t repository;

	CHECK(repository_add(store, "zoo", "/zoo", "main", false, &repository, &err) == 0 &&
			image_get(store, repository, "cat", &build.image, &err) == 0 &&
			build_add(store, &build, "kiln-closure 1\n", "{}", "zoo/cat", &err) == 0,
		"a build is planned");
	build.phase = PHASE_PLANNED;
	CHECK(event_before_publishing(store, "b7", &before, &err) == 0 && is_zero(&before),
		"it never entered publishing");
	for (size_t i = 0; i < 3; i++) {
		struct build_move move = {.to = path[i], .usec = 50, .image_name = "zoo/cat"};
		CHECK(event_last(store, &wanted, &err) == 0 &&
				build_move(store, &build, &move, &err) == 0,
			"to %s", phase_name(path[i]));
	}
	CHECK(event_add(store, 60, "note", "zoo/cat", "b7", NULL, &err) == 0, "more happens");
	CHECK(event_before_publishing(store, "b7", &before, &err) == 0 &&
			digest_equal(&before, &wanted),
		"the digest before it entered publishing");
	CHECK(events_list(store, EVENTS_OF_BUILD, "b7", &own, &err) == 0 && own.count == 5,
		"an event for each move, and no more");
	CHECK(own.count == 5 && strcmp(own.items[1].kind, "phase") == 0 && own.items[1].usec == 50,
		"of kind phase, with the move's time");
	CHECK_TEXT(own.count == 5 ? own.items[1].data : NULL,
		"{\"from\":\"planned\",\"to\":\"building\"}", "which says from where to where");
	CHECK(events_list(store, EVENTS_ALL, NULL, &all, &err) == 0 && !find_break(&all),
		"the chain holds");
	build_record_clear(&build);
}

int main(void)
{
	CLEANUP(store_closep) struct store *store = NULL;

	if (CHECK(store_open_memory(&store, &err) == 0, "a store")) {
		adds(store);
		lists(store);
		shows_changes(store);
		tells_of_moves(store);
	}
	return check_done();
}
