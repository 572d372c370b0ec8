/* SPDX-License-Identifier: Apache-2.0 */
/* Source: ansible-core 2.14 playbook/__init__.py, playbook/play.py, playbook/role, vars/manager.py. */
#include "reconciler/tools/ansible.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"
#include "reconciler/reference.h"
#include "reconciler/tools/jinja.h"
#include "reconciler/tools/yaml.h"

void ansible_take_plugins(struct ansible *run, const char *folder)
{
	static const char *const names[] = {"library", "module_utils", "action_plugins",
		"become_plugins", "cache_plugins", "callback_plugins", "cliconf_plugins",
		"connection_plugins", "doc_fragments", "filter_plugins", "httpapi_plugins",
		"inventory_plugins", "lookup_plugins", "netconf_plugins", "shell_plugins",
		"strategy_plugins", "terminal_plugins", "test_plugins", "vars_plugins"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		autofree char *path = path_join(folder, names[i]);
		tool_take(run->tool, path, NULL);
	}
}

/* ---- variables ---- */

static void walk_vars_file(struct ansible *run, const char *path)
{
	if (!ansible_visit(run, "vars", NULL, path))
		return;
	autojson struct json *documents = tool_read_yaml(run->tool, path, NULL);
	ansible_walk_texts(run, NULL, documents, true);
}

void ansible_walk_vars(struct ansible *run, const char *path)
{
	CLEANUP(strings_clear) struct strings taken = {0};

	if (!tool_take(run->tool, path, &taken))
		return;
	strings_each (file, &taken)
		walk_vars_file(run, file);
}

/* A folder of variables: what is hidden, a backup, or ends otherwise is not read. */
static void walk_vars_folder(struct ansible *run, const char *folder, int depth)
{
	CLEANUP(strings_clear) struct strings names = {0};

	tool_list(run->tool, folder, &names);
	strings_each (name, &names) {
		const char *dot = strrchr(name, '.');
		autofree char *path = path_join(folder, name);
		if (*name == '.' || text_ends_with(name, "~"))
			continue;
		bool is_folder = tool_look(run->tool, path) == ENTRY_FOLDER;
		if (is_folder && !dot && depth < ANSIBLE_DEPTH_MOST)
			walk_vars_folder(run, path, depth + 1);
		else if (!is_folder &&
			 (!dot || strcmp(dot, ".yml") == 0 || strcmp(dot, ".yaml") == 0 ||
				 strcmp(dot, ".json") == 0))
			ansible_walk_vars(run, path);
	}
}

/* dataloader.find_vars_files: the first of the endings that is there, a folder or a file. */
static void walk_named_vars(
	struct ansible *run, const char *folder, const char *name, const char *const *endings)
{
	for (; *endings; endings++) {
		autofree char *file = memory_printf("%s%s", name, *endings);
		autofree char *path = path_beneath(folder, file);
		enum entry_kind kind = tool_look(run->tool, path);
		if (kind == ENTRY_FOLDER)
			walk_vars_folder(run, path, 0);
		else if (kind != ENTRY_NONE)
			ansible_walk_vars(run, path);
		if (kind != ENTRY_NONE)
			return;
		tool_miss(run->tool, path);
	}
}

/* ---- roles ---- */

static const char *const main_endings[] = {".yml", ".yaml", ".json", "", NULL};
static const char *const from_endings[] = {"", ".yml", ".yaml", ".json", NULL};

/* ns.collection.role, in what is called collections beside the playbook or in a configured folder. */
static void list_collection_roles(
	struct ansible *run, const char *base, const char *name, struct strings *paths)
{
	CLEANUP(strings_clear) struct strings words = {0};

	strings_split(&words, name, '.');
	if (words.count != 3 || strchr(name, '/'))
		return;
	autofree char *inner = memory_printf("ansible_collections/%s/%s/roles/%s", words.items[0],
		words.items[1], words.items[2]);
	autofree char *beside = path_join(base, "collections");
	strings_add_taken(paths, path_join(beside, inner));
	strings_each (folder, &run->collection_paths)
		strings_add_taken(paths, path_join(folder, inner));
}

static void list_role_paths(struct ansible *run, const struct ansible_place *outer,
	const char *name, struct strings *paths)
{
	CLEANUP(strings_clear) struct strings folders = {0};

	list_collection_roles(run, outer->base, name, paths);
	strings_add_taken(&folders, path_join(outer->base, "roles"));
	strings_add_all(&folders, &run->role_paths);
	if (outer->roles.count)
		strings_add_taken(&folders, path_folder(outer->roles.items[0]));
	strings_add(&folders, outer->base);
	strings_add(&folders, run->tool->folder);
	strings_each (folder, &folders) {
		char *path = tool_path(folder, name);
		if (path && *path && !strings_has(paths, path))
			strings_add_taken(paths, path);
		else
			free(path);
	}
}

static void walk_roles(struct ansible *run, struct ansible_place *place, const struct json *list)
{
	for (size_t i = 0; json_kind(list) == JSON_LIST && i < json_count(list); i++) {
		const struct json *item = json_item(list, i);
		const char *name = json_text(
			item, json_get_text(item, "role", json_get_text(item, "name", NULL)));
		autofree char *first = name ? memory_copy_bytes(name, strcspn(name, ",")) : NULL;
		if (first && *first)
			ansible_walk_role(run, place, first, NULL);
	}
}

static void walk_role_tasks(struct ansible *run, struct ansible_place *place, const char *folder,
	const char *from, const struct json *known)
{
	autofree char *inner = path_join(place->roles.items[0], folder);

	if (tool_look(run->tool, inner) != ENTRY_FOLDER)
		return;
	if (from && jinja_is_dynamic(from)) {
		CLEANUP(strings_clear) struct strings files = {0};
		tool_take(run->tool, inner, &files);
		strings_each (path, &files)
			ansible_walk_task_file(run, place, path, folder, known);
		return;
	}
	autofree char *path = ansible_find_ending(
		run, inner, from ? from : "main", from ? from_endings : main_endings);
	if (path)
		ansible_walk_task_file(run, place, path, folder, known);
}

static void walk_role_vars(
	struct ansible *run, const char *role, const char *folder, const char *from)
{
	autofree char *inner = path_join(role, folder);

	if (tool_look(run->tool, inner) != ENTRY_FOLDER)
		return;
	if (from && jinja_is_dynamic(from))
		ansible_walk_vars(run, inner);
	else
		walk_named_vars(
			run, inner, from ? from : "main", from ? from_endings : main_endings);
}

static void walk_meta(struct ansible *run, struct ansible_place *place)
{
	static const char *const specification[] = {".yml", ".yaml", ".json", NULL};
	autofree char *folder = path_join(place->roles.items[0], "meta");

	if (tool_look(run->tool, folder) != ENTRY_FOLDER)
		return;
	autofree char *arguments =
		ansible_find_ending(run, folder, "argument_specs", specification);
	tool_take(run->tool, arguments, NULL);
	autofree char *path = ansible_find_ending(run, folder, "main", main_endings);
	if (!path || !tool_take(run->tool, path, NULL))
		return;
	autojson struct json *documents = tool_read_yaml(run->tool, path, NULL);
	if (documents)
		walk_roles(run, place, json_get(json_item(documents, 0), "dependencies"));
	else /* what it depends on is not known */
		ansible_walk_role(run, place, "{{ }}", NULL);
}

static void walk_role_at(
	struct ansible *run, struct ansible_place *outer, const char *path, const struct json *from)
{
	struct ansible_place *place = ansible_place(run, outer, path);
	autofree char *from_text = from ? json_to_line(from) : memory_copy_text("");
	autofree char *rooted = memory_printf(REPOSITORY_ROOT "/%s", path);
	autofree char *base = *outer->base ? memory_printf(REPOSITORY_ROOT "/%s", outer->base)
	                                   : memory_copy_text(REPOSITORY_ROOT);
	autojson struct json *known = json_new_object();

	if (!ansible_visit(run, from_text, place, path) || run->depth > ANSIBLE_DEPTH_MOST)
		return;
	json_set_text(known, "playbook_dir", base);
	json_set_text(known, "role_path", rooted);
	json_set_text(known, "role_name", path_name(path));
	run->depth++;
	ansible_take_plugins(run, path);
	walk_meta(run, place);
	walk_role_vars(run, path, "defaults", json_get_text(from, "defaults_from", NULL));
	walk_role_vars(run, path, "vars", json_get_text(from, "vars_from", NULL));
	walk_role_tasks(run, place, "tasks", json_get_text(from, "tasks_from", NULL), known);
	walk_role_tasks(run, place, "handlers", json_get_text(from, "handlers_from", NULL), known);
	run->depth--;
}

/* A role whose name is not known: every folder of roles is taken, and each of them may be it. */
static void walk_any_role(struct ansible *run, struct ansible_place *outer)
{
	CLEANUP(strings_clear) struct strings folders = {0};

	if (!ansible_visit(run, "any role", outer, ""))
		return;
	strings_add_taken(&folders, path_join(outer->base, "roles"));
	strings_add_all(&folders, &run->role_paths);
	if (outer->roles.count)
		strings_add_taken(&folders, path_folder(outer->roles.items[0]));
	strings_each (folder, &folders) {
		CLEANUP(strings_clear) struct strings names = {0};
		if (!*folder || !tool_take(run->tool, folder, NULL))
			continue;
		tool_list(run->tool, folder, &names);
		strings_each (name, &names) {
			autofree char *path = path_join(folder, name);
			if (tool_look(run->tool, path) == ENTRY_FOLDER)
				walk_role_at(run, outer, path, NULL);
		}
	}
}

void ansible_walk_role(
	struct ansible *run, struct ansible_place *outer, const char *name, const struct json *from)
{
	CLEANUP(strings_clear) struct strings candidates = {0};

	if (jinja_is_dynamic(name)) {
		walk_any_role(run, outer);
		return;
	}
	list_role_paths(run, outer, name, &candidates);
	const char *path = tool_find(run->tool, &candidates);
	if (path)
		walk_role_at(run, outer, path, from);
}

/* ---- plays ---- */

/* Each item is a name, or a list of which the first that is there counts. */
static void walk_vars_files(
	struct ansible *run, const struct ansible_spot *spot, const struct json *list)
{
	bool one = json_kind(list) == JSON_TEXT;

	for (size_t i = 0; i < (one ? 1 : json_count(list)); i++) {
		const struct json *item = one ? list : json_item(list, i);
		size_t count = json_kind(item) == JSON_LIST ? json_count(item) : 1;
		for (size_t j = 0; j < count; j++) {
			CLEANUP(strings_clear) struct strings taken = {0};
			const char *name = json_text(
				json_kind(item) == JSON_LIST ? json_item(item, j) : item, "");
			ansible_take(run, spot, "vars", name, &taken);
			strings_each (path, &taken)
				walk_vars_file(run, path);
			if (taken.count && !jinja_is_dynamic(name))
				break;
		}
	}
}

static void walk_play(struct ansible *run, const struct ansible_spot *spot, const struct json *play)
{
	static const char *const tasks[] = {"pre_tasks", "tasks", "post_tasks"};
	struct ansible_spot handlers = *spot;

	handlers.folder = "handlers";
	ansible_walk_texts(run, spot, json_get(play, "vars"), true);
	ansible_walk_texts(run, spot, json_get(play, "environment"), true);
	walk_vars_files(run, spot, json_get(play, "vars_files"));
	walk_roles(run, spot->place, json_get(play, "roles"));
	for (size_t i = 0; i < sizeof(tasks) / sizeof(*tasks); i++)
		ansible_walk_tasks(run, spot, json_get(play, tasks[i]));
	ansible_walk_tasks(run, &handlers, json_get(play, "handlers"));
}

static void import_playbook(
	struct ansible *run, const struct ansible_spot *spot, const struct json *said)
{
	autofree char *folder = path_folder(spot->file);
	autojson struct json *words = jinja_split_arguments(json_text(said, ""));
	const char *name = json_get_text(words, "_raw_params", "");
	CLEANUP(strings_clear) struct strings files = {0};

	autofree char *filled = jinja_fill(name, spot->known);
	if (jinja_is_dynamic(filled)) {
		autofree char *inner = NULL, *end = NULL;
		jinja_edges(filled, &inner, &end);
		autofree char *below = tool_path(folder, inner);
		if (*inner)
			tool_take(run->tool, below, &files);
		else
			ansible_take_endings(run, folder, end, &files);
		strings_each (path, &files)
			if (text_ends_with(path, ".yml") || text_ends_with(path, ".yaml"))
				ansible_walk_playbook(run, path);
		return;
	}
	char *path = tool_path(folder, filled);
	if (!path)
		return;
	strings_add_taken(&files, path);
	const char *found = tool_find(run->tool, &files);
	if (found)
		ansible_walk_playbook(run, found);
}

static const struct json *imported_by(const struct json *play)
{
	static const char *const words[] = {"import_playbook", "ansible.builtin.import_playbook",
		"ansible.legacy.import_playbook", "include"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (json_has(play, words[i]))
			return json_get(play, words[i]);
	return NULL;
}

static void walk_plays(struct ansible *run, const char *path, const struct json *plays)
{
	autofree char *folder = path_folder(path);
	autofree char *base = *folder ? memory_printf(REPOSITORY_ROOT "/%s", folder)
	                              : memory_copy_text(REPOSITORY_ROOT);
	autojson struct json *known = json_new_object();
	struct ansible_spot spot = {ansible_place(run, NULL, folder), path, "tasks", known};

	json_set_text(known, "playbook_dir", base);
	strings_add_once(&run->vars_folders, folder);
	ansible_take_plugins(run, folder);
	autofree char *collections = path_join(folder, "collections/ansible_collections");
	tool_take(run->tool, collections, NULL);
	for (size_t i = 0; json_kind(plays) == JSON_LIST && i < json_count(plays); i++) {
		const struct json *play = json_item(plays, i);
		const struct json *imported = imported_by(play);
		if (imported)
			import_playbook(run, &spot, imported);
		else
			walk_play(run, &spot, play);
	}
}

void ansible_walk_playbook(struct ansible *run, const char *path)
{
	struct error why;

	if (!ansible_visit(run, "playbook", NULL, path) || !tool_take(run->tool, path, NULL) ||
		run->depth > ANSIBLE_DEPTH_MOST)
		return;
	autojson struct json *documents = tool_read_yaml(run->tool, path, &why);
	if (!documents) {
		reasons_add(run->tool->inputs->problems, REASON_INVALID, path, NULL, NULL,
			"the playbook %s", why.text);
		return;
	}
	run->depth++;
	for (size_t i = 0; i < json_count(documents); i++)
		walk_plays(run, path, json_item(documents, i));
	run->depth--;
}

void ansible_take_inventory_vars(struct ansible *run)
{
	static const char *const endings[] = {"", ".yml", ".yaml", ".json", NULL};
	static const char *const folders[] = {"group_vars", "host_vars"};

	strings_each (beside, &run->vars_folders)
		for (size_t i = 0; i < 2; i++) {
			const struct strings *names = i ? &run->hosts : &run->groups;
			autofree char *folder = path_join(beside, folders[i]);
			if (tool_look(run->tool, folder) != ENTRY_FOLDER)
				continue;
			if (run->any_group)
				walk_vars_folder(run, folder, 0);
			else
				strings_each (name, names)
					walk_named_vars(run, folder, name, endings);
		}
}
