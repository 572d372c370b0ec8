/* SPDX-License-Identifier: Apache-2.0 */
/* Source: ansible-core 2.14 parsing/dataloader.py, playbook/base.py. */
#include "reconciler/tools/ansible.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"
#include "reconciler/reference.h"
#include "reconciler/tools/jinja.h"

static void free_place(void *pointer)
{
	struct ansible_place *place = pointer;

	free(place->base);
	strings_clear(&place->roles);
	free(place);
}

static char *place_name(const struct ansible_place *place)
{
	autofree char *roles = strings_join(&place->roles, "\n");

	return memory_printf("%s\n%s", place->base, roles);
}

struct ansible_place *ansible_place(
	struct ansible *run, const struct ansible_place *outer, const char *path)
{
	struct ansible_place *place = memory_new(sizeof(*place));

	place->base = memory_copy_text(outer ? outer->base : path);
	if (outer) {
		strings_add(&place->roles, path);
		strings_add_all(&place->roles, &outer->roles);
	}
	autofree char *name = place_name(place);
	struct ansible_place *known = map_find(&run->places, name);
	if (known) {
		free_place(place);
		return known;
	}
	run->places.free_value = free_place;
	map_set(&run->places, name, place);
	return place;
}

bool ansible_visit(
	struct ansible *run, const char *what, const struct ansible_place *place, const char *path)
{
	autofree char *name = place ? place_name(place) : memory_copy_text("");
	autofree char *key = memory_printf("%s\n%s\n%s", what, path, name);

	if (run->tool->failed || run->tool->full || map_find_place(&run->visited, key))
		return false;
	map_set(&run->visited, key, NULL);
	return true;
}

static void add_path(struct strings *paths, const char *folder, const char *inner, const char *name)
{
	autofree char *below = *inner ? path_beneath(folder, inner) : memory_copy_text(folder);
	char *path = below ? path_beneath(below, name) : NULL;

	if (path && !strings_has(paths, path))
		strings_add_taken(paths, path);
	else
		free(path);
}

/* dataloader.path_dwim_relative_stack: each folder of the way to the task, then the play's. */
static void list_candidates(const struct ansible_spot *spot, const char *folder, const char *name,
	struct strings *paths)
{
	size_t first = strcspn(name, "/");
	bool said = strlen(folder) == first && strncmp(name, folder, first) == 0;
	autofree char *own = path_folder(spot->file);
	CLEANUP(strings_clear) struct strings stack = {0};

	if (*name == '/') {
		char *path = tool_path("", name);
		if (path)
			strings_add_taken(paths, path);
		return;
	}
	strings_add_all(&stack, &spot->place->roles);
	strings_add_once(&stack, own);
	strings_each (path, &stack) {
		autofree char *above = path_folder(path);
		if (spot->place->roles.count && text_ends_with(above, "/tasks")) {
			autofree char *role = path_folder(above);
			add_path(paths, role, folder, name);
			add_path(paths, above, "", name);
			continue;
		}
		if (!said)
			add_path(paths, path, folder, name);
		add_path(paths, path, "", name);
	}
	if (!said)
		add_path(paths, spot->place->base, folder, name);
	add_path(paths, spot->place->base, "", name);
}

void ansible_take_endings(
	struct ansible *run, const char *folder, const char *end, struct strings *found)
{
	CLEANUP(strings_clear) struct strings names = {0};

	tool_list(run->tool, folder, &names);
	strings_each (name, &names) {
		autofree char *path = path_join(folder, name);
		if (text_ends_with(name, end) && tool_look(run->tool, path) == ENTRY_FILE)
			tool_take(run->tool, path, found);
	}
}

/*
 * A name that is known only later: the folders of that kind on the way are taken whole, below what the name begins with. Where there
 * is none, the files beside the task and the playbook that end as the name does.
 */
static void take_dynamic(struct ansible *run, const struct ansible_spot *spot, const char *folder,
	const char *name, struct strings *found)
{
	autofree char *inner = NULL, *end = NULL, *own = path_folder(spot->file);
	CLEANUP(strings_clear) struct strings candidates = {0};
	bool any = false;

	jinja_edges(name, &inner, &end);
	if (*inner || *name == '/')
		list_candidates(spot, folder, *inner ? inner : name, &candidates);
	else
		strings_each (role, &spot->place->roles)
			add_path(&candidates, role, folder, "");
	if (!*inner && *name != '/')
		add_path(&candidates, spot->place->base, folder, "");
	strings_each (path, &candidates)
		if (tool_look(run->tool, path) == ENTRY_FOLDER)
			any |= tool_take(run->tool, path, found);
	if (any || *inner || *name == '/')
		return;
	ansible_take_endings(run, own, end, found);
	if (strcmp(own, spot->place->base) != 0)
		ansible_take_endings(run, spot->place->base, end, found);
}

void ansible_take(struct ansible *run, const struct ansible_spot *spot, const char *folder,
	const char *name, struct strings *found)
{
	CLEANUP(strings_clear) struct strings candidates = {0};
	autofree char *filled = jinja_fill(name, spot->known);

	if (!*filled || *filled == '~')
		return;
	if (jinja_is_dynamic(filled)) {
		take_dynamic(run, spot, folder, filled, found);
		return;
	}
	list_candidates(spot, folder, filled, &candidates);
	tool_take(run->tool, tool_find(run->tool, &candidates), found);
}

void ansible_take_quietly(
	struct ansible *run, const struct ansible_spot *spot, const char *folder, const char *name)
{
	CLEANUP(strings_clear) struct strings candidates = {0};

	list_candidates(spot, folder, name, &candidates);
	strings_each (path, &candidates)
		if (tool_take(run->tool, path, NULL))
			return;
}

void ansible_take_matches(struct ansible *run, const struct ansible_spot *spot, const char *folder,
	const char *pattern, struct strings *found)
{
	CLEANUP(strings_clear) struct strings candidates = {0};
	autofree char *filled = jinja_fill(pattern, spot->known);

	if (jinja_is_dynamic(filled)) {
		take_dynamic(run, spot, folder, filled, found);
		return;
	}
	list_candidates(spot, folder, filled, &candidates);
	strings_each (path, &candidates)
		if (tool_take_matches(run->tool, path, found))
			return;
}

char *ansible_find_ending(
	struct ansible *run, const char *folder, const char *name, const char *const *endings)
{
	CLEANUP(strings_clear) struct strings candidates = {0};

	for (; *endings; endings++) {
		autofree char *file = memory_printf("%s%s", name, *endings);
		add_path(&candidates, folder, "", file);
	}
	strings_each (path, &candidates) {
		if (tool_look(run->tool, path) == ENTRY_FILE)
			return memory_copy_text(path);
		tool_miss(run->tool, path);
	}
	return NULL;
}
