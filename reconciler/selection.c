/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/selection.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/planning.h"
#include "reconciler/world.h"

void selection_clear(struct selection *selection)
{
	for (size_t i = 0; i < selection->count; i++) {
		free(selection->items[i].place);
		strings_clear(&selection->items[i].names);
	}
	free(selection->items);
	*selection = (struct selection){0};
}

static struct selected *add_place(struct selection *selection, const char *place)
{
	for (size_t i = 0; i < selection->count; i++)
		if (strcmp(selection->items[i].place, place) == 0)
			return &selection->items[i];
	MEMORY_GROW(selection->items, selection->count, selection->room);
	selection->items[selection->count] = (struct selected){.place = memory_copy_text(place)};
	return &selection->items[selection->count++];
}

/* Where the repository called NAME is: configured, or applied before. The caller frees. */
static int find_called(struct head *head, const char *name, char **place, struct error *err)
{
	const struct service_repository *configured = service_find_repository(&head->service, name);
	struct repository_record record;

	if (configured) {
		*place = memory_copy_text(configured->name);
		return 0;
	}
	int found = repository_find_by_name(head->store, name, &record, err);
	if (found < 0)
		return -1;
	if (!found)
		return fail(err, ERROR_CATALOG, "there is no repository called %s", name);
	*place = TAKE(record.place);
	repository_record_clear(&record);
	return 0;
}

/* True if the repository at PLACE has the image. */
static bool has_image(struct head *head, const char *place, const char *folder, const char *name,
	struct error *err)
{
	CLEANUP(repository_close) struct repository repository = {0};
	CLEANUP(strings_clear) struct strings names = {0};
	struct planning_options options = {
		.names = &names, .any_commit = true, .now_usec = world->now_usec()};
	struct planning planning;

	strings_add(&names, name);
	if (repository_open(head, place, folder, &repository, err) < 0 ||
		planning_make(&repository, &options, &planning, err) < 0)
		return false;
	planning_clear(&planning);
	return true;
}

/* NAME alone, where there are several repositories to look in. */
static int look_for(struct head *head, const struct strings *places, const char *folder,
	const char *name, struct selection *selection, struct error *err)
{
	const char *found = NULL;

	strings_each (place, places) {
		if (!has_image(head, place, folder, name, err))
			continue;
		if (found)
			return fail(err, ERROR_CATALOG,
				"%s and %s both have an image called %s: write REPOSITORY/%s",
				found, place, name, name);
		found = place;
	}
	if (!found)
		return -1;
	strings_add(&add_place(selection, found)->names, name);
	return 0;
}

static int select_name(struct head *head, const struct strings *places, const char *folder,
	const char *name, struct selection *selection, struct error *err)
{
	const char *slash = strchr(name, '/');
	autofree char *called = slash ? memory_copy_bytes(name, slash - name) : NULL;
	autofree char *place = NULL;

	if (slash) {
		if (find_called(head, called, &place, err) < 0)
			return -1;
		strings_add(&add_place(selection, place)->names, slash + 1);
		return 0;
	}
	if (places->count > 1)
		return look_for(head, places, folder, name, selection, err);
	strings_add(&add_place(selection, places->items[0])->names, name);
	return 0;
}

static int find_places(struct head *head, const char *named, const char *folder,
	struct strings *places, struct error *err)
{
	if (named) {
		const char *home = getenv("HOME");
		bool in_home = named[0] == '~' && (named[1] == '/' || !named[1]);
		strings_addf(places, "%s%s", in_home && home ? home : "", named + in_home);
		return 0;
	}
	for (size_t i = 0; i < head->service.repository_count; i++)
		strings_add(places, head->service.repositories[i]->name);
	if (places->count)
		return 0;
	char *around = source_discover(folder);
	if (!around)
		return fail(err, ERROR_CATALOG,
			"no repository: none is configured, and %s lies in none (name one: kiln "
			"VERB "
			"/path/to/repository)",
			folder);
	strings_add_taken(places, around);
	return 0;
}

int selection_make(struct head *head, const char *named, const char *folder,
	const struct strings *names, struct selection *selection, struct error *err)
{
	CLEANUP(strings_clear) struct strings places = {0};
	bool qualified = names->count != 0;

	*selection = (struct selection){0};
	/* REPOSITORY/NAME says where: no other repository is needed */
	strings_each (name, names)
		qualified = qualified && strchr(name, '/');
	if (!qualified && find_places(head, named, folder, &places, err) < 0)
		return -1;
	if (!names->count)
		strings_each (place, &places)
			add_place(selection, place);
	strings_each (name, names)
		if (select_name(head, &places, folder, name, selection, err) < 0) {
			selection_clear(selection);
			return -1;
		}
	return 0;
}
