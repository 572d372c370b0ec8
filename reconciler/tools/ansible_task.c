/* SPDX-License-Identifier: Apache-2.0 */
/* Source: ansible-core 2.14 playbook/helpers.py, playbook/included_file.py, plugins/action. */
#include "reconciler/tools/ansible.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"
#include "reconciler/reference.h"
#include "reconciler/tools/jinja.h"
#include "reconciler/tools/yaml.h"

/* ---- modules ---- */

enum module_kind {
	MODULE_NONE,
	MODULE_SOURCE,
	MODULE_TASKS,
	MODULE_ROLE,
	MODULE_VARS,
	MODULE_GROUP
};

/* The modules whose action reads files of the machine that Ansible runs on. */
static const struct module {
	const char *name;
	enum module_kind kind;
	const char *folder; /* where it looks */
	const char *option; /* that names the file */
	bool free_form;     /* the first word does */
	bool remote;        /* `remote_src` unless it says otherwise */
	bool is_static;     /* it is included before the run, from beside the task first */
} modules[] = {
	{"copy", MODULE_SOURCE, "files", "src"},
	{"win_copy", MODULE_SOURCE, "files", "src"},
	{"template", MODULE_SOURCE, "templates", "src"},
	{"win_template", MODULE_SOURCE, "templates", "src"},
	{"script", MODULE_SOURCE, "files", "cmd", .free_form = true},
	{"unarchive", MODULE_SOURCE, "files", "src"},
	{"patch", MODULE_SOURCE, "files", "src"},
	{"synchronize", MODULE_SOURCE, "files", "src"},
	{"uri", MODULE_SOURCE, "files", "src"},
	{"assemble", MODULE_SOURCE, "files", "src", .remote = true},
	{"fetch", MODULE_NONE},
	{"slurp", MODULE_NONE},
	{"file", MODULE_NONE},
	{"stat", MODULE_NONE},
	{"mount", MODULE_NONE},
	{"include_tasks", MODULE_TASKS, NULL, "file", .free_form = true},
	{"import_tasks", MODULE_TASKS, NULL, "file", .free_form = true, .is_static = true},
	{"include", MODULE_TASKS, NULL, "file", .free_form = true, .is_static = true},
	{"include_role", MODULE_ROLE},
	{"import_role", MODULE_ROLE},
	{"include_vars", MODULE_VARS, "vars", "file", .free_form = true},
	{"add_host", MODULE_GROUP},
	{"group_by", MODULE_GROUP},
	{0},
};
/* Of every other module: what its `src` names, where there is such a file. */
static const struct module other_module = {"", MODULE_SOURCE, "files", "src"};

static const struct module *find_module(const char *name)
{
	for (const struct module *module = modules; module->name; module++)
		if (strcmp(module->name, ansible_short_name(name)) == 0)
			return module;
	return &other_module;
}

struct task {
	struct ansible *run;
	const struct ansible_spot *spot;
	const struct json *said;
	const char *loop_name; /* what an item is called */
	struct json *
		items; /* of its loop, as far as they are known; NULL: they are not, or there is no loop */
	struct strings looped; /* files that the loop's own lookup gave */
};

/* What the module of TASK says as NAME, for each item: the texts may have parts that are not known. */
static void list_values(const struct task *task, const char *text, struct strings *values)
{
	if (!task->items || !jinja_mentions(text, task->loop_name)) {
		autofree char *filled = jinja_fill(text, task->spot->known);
		strings_add_once(values, filled);
		return;
	}
	for (size_t i = 0; i < json_count(task->items); i++) {
		autojson struct json *known = json_copy(task->spot->known);
		json_set(known, task->loop_name, json_copy(json_item(task->items, i)));
		autofree char *filled = jinja_fill(text, known);
		strings_add_once(values, filled);
	}
}

/* A text, or the first word of the arguments. */
static const char *named_by(const struct module *module, const struct json *arguments)
{
	const char *name = json_get_text(arguments, module->option, NULL);

	if (!name && strcmp(module->option, "src") == 0)
		name = json_get_text(arguments, "source", NULL);
	return !name && module->free_form ? json_get_text(arguments, "_raw_params", NULL) : name;
}

static bool is_remote(const struct module *module, const struct json *arguments)
{
	const struct json *remote = json_get(arguments, "remote_src");

	if (remote && !jinja_is_dynamic(json_text(remote, "")))
		return yaml_is_true(remote);
	const struct json *copy = json_get(arguments, "copy");
	if (copy && strcmp(module->name, "unarchive") == 0)
		return !yaml_is_true(copy) && !jinja_is_dynamic(json_text(copy, ""));
	if (strcmp(module->name, "synchronize") == 0)
		return strcmp(json_get_text(arguments, "mode", "push"), "pull") == 0;
	return module->remote && !remote;
}

static void take_source(
	const struct task *task, const struct module *module, const struct json *arguments)
{
	const char *name = named_by(module, arguments);
	CLEANUP(strings_clear) struct strings values = {0};

	if (!name || is_remote(module, arguments))
		return;
	autofree char *first = NULL;
	if (module->free_form) { /* a script's own arguments follow */
		autojson struct json *words = jinja_split_arguments(name);
		const char *raw = json_get_text(words, "_raw_params", name);
		first = jinja_is_dynamic(raw) ? memory_copy_text(raw)
		                              : memory_copy_bytes(raw, strcspn(raw, " "));
		name = first;
	}
	list_values(task, name, &values);
	strings_each (value, &values) {
		CLEANUP(strings_clear) struct strings taken = {0};
		if (strstr(value, "://"))
			continue;
		if (module == &other_module) {
			if (!jinja_is_dynamic(value) && *value)
				ansible_take_quietly(task->run, task->spot, "files", value);
			if (!jinja_is_dynamic(value) && *value)
				ansible_take_quietly(task->run, task->spot, "templates", value);
			continue;
		}
		ansible_take(task->run, task->spot, module->folder, value, &taken);
		if (strcmp(module->folder, "templates") == 0)
			strings_each (path, &taken)
				ansible_walk_template(task->run, task->spot, path);
	}
}

/* Where an include is looked for: beside the task, in the role, beside the playbook. */
static void list_includes(
	const struct ansible_spot *spot, const char *name, bool is_static, struct strings *paths)
{
	const struct ansible_place *place = spot->place;
	const char *role = place->roles.count ? place->roles.items[0] : NULL;
	autofree char *own = path_folder(spot->file);
	autofree char *tasks = role ? memory_printf("%s/%s", role, spot->folder) : NULL;
	const char *order[8] = {0};
	size_t count = 0;

	if (*name == '/') {
		char *path = tool_path("", name);
		if (path)
			strings_add_taken(paths, path);
		return;
	}
	autofree char *main_tasks = role ? memory_printf("%s/tasks", role) : NULL;
	if (is_static || !role)
		order[count++] = own;
	if (role) {
		order[count++] = tasks;
		order[count++] = main_tasks;
		order[count++] = role;
	}
	if (!is_static && role)
		order[count++] = own;
	order[count++] = place->base;
	for (size_t i = 0; i < count; i++) {
		char *path = path_beneath(order[i], name);
		if (path && !strings_has(paths, path))
			strings_add_taken(paths, path);
		else
			free(path);
	}
}

/* Every file that the name may come to is walked. */
static void include_dynamic(struct ansible *run, const struct ansible_spot *spot, const char *name)
{
	autofree char *inner = NULL, *end = NULL, *own = path_folder(spot->file);
	CLEANUP(strings_clear) struct strings folders = {0}, files = {0};

	jinja_edges(name, &inner, &end);
	list_includes(spot, *inner ? inner : ".", false, &folders);
	strings_each (folder, &folders) {
		bool is_own = strcmp(folder, own) == 0;
		const char *role = spot->place->roles.count ? spot->place->roles.items[0] : NULL;
		if (tool_look(run->tool, folder) != ENTRY_FOLDER ||
			(role && !*inner && !is_own &&
				(strcmp(folder, role) == 0 || !path_is_within(folder, role))))
			continue;
		if (role || *inner)
			tool_take(run->tool, folder, &files);
		else
			ansible_take_endings(run, folder, end, &files);
	}
	strings_each (path, &files)
		if (text_ends_with(path, ".yml") || text_ends_with(path, ".yaml"))
			ansible_walk_task_file(run, spot->place, path, spot->folder, spot->known);
}

static void include_tasks(
	const struct task *task, const struct module *module, const struct json *arguments)
{
	const char *name = named_by(module, arguments);
	CLEANUP(strings_clear) struct strings values = {0};

	if (!name)
		return;
	list_values(task, name, &values);
	strings_each (value, &values) {
		CLEANUP(strings_clear) struct strings candidates = {0};
		if (jinja_is_dynamic(value)) {
			include_dynamic(task->run, task->spot, value);
			continue;
		}
		list_includes(task->spot, value, module->is_static, &candidates);
		const char *path = tool_find(task->run->tool, &candidates);
		if (path)
			ansible_walk_task_file(task->run, task->spot->place, path,
				task->spot->folder, task->spot->known);
	}
}

static void include_role(const struct task *task, const struct json *arguments)
{
	CLEANUP(strings_clear) struct strings values = {0};
	const char *name = json_get_text(arguments, "name", json_get_text(arguments, "role", NULL));

	if (!name)
		return;
	list_values(task, name, &values);
	strings_each (value, &values)
		ansible_walk_role(task->run, task->spot->place, value, arguments);
}

static void include_vars(
	const struct task *task, const struct module *module, const struct json *arguments)
{
	CLEANUP(strings_clear) struct strings values = {0}, taken = {0};
	const char *folder = json_get_text(arguments, "dir", NULL);
	const char *name = folder ? folder : named_by(module, arguments);

	if (!name)
		return;
	list_values(task, name, &values);
	strings_each (value, &values)
		ansible_take(task->run, task->spot, "vars", value, &taken);
	strings_each (path, &taken)
		ansible_walk_vars(task->run, path);
}

static void walk_module(const struct task *task, const char *name, const struct json *said)
{
	const struct module *module = find_module(name);
	autojson struct json *arguments = json_kind(said) == JSON_TEXT
	                                          ? jinja_split_arguments(json_text(said, ""))
	                                          : json_copy(said);

	if (json_kind(arguments) != JSON_OBJECT)
		return;
	json_each_member (member, json_get(task->said, "args"))
		json_set(arguments, member.key, json_copy(member.value));
	switch (module->kind) {
	case MODULE_NONE:
		break;
	case MODULE_SOURCE:
		take_source(task, module, arguments);
		break;
	case MODULE_TASKS:
		include_tasks(task, module, arguments);
		break;
	case MODULE_ROLE:
		include_role(task, arguments);
		break;
	case MODULE_VARS:
		include_vars(task, module, arguments);
		break;
	case MODULE_GROUP:
		task->run->any_group = true;
		break;
	}
}

/* ---- tasks ---- */

/* Words of a task that are no module. */
static bool is_keyword(const char *name)
{
	static const char *const words[] = {"name", "when", "vars", "args", "tags", "loop",
		"register", "notify", "listen", "become", "become_user", "become_method",
		"environment", "delegate_to", "until", "retries", "delay", "changed_when",
		"failed_when", "loop_control", "ignore_errors", "block", "rescue", "always",
		"run_once", "no_log", "collections", "check_mode", "async", "poll", "connection",
		"module_defaults", "apply", "any_errors_fatal", "become_flags", "become_exe",
		"delegate_facts", "diff", "ignore_unreachable", "port", "remote_user", "throttle",
		"timeout", "debugger"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i], name) == 0)
			return true;
	return text_starts_with(name, "with_");
}

/* Where first_found looks depends on the module that asks. */
static const char *first_found_folder(const struct json *said)
{
	json_each_member (member, said) {
		const struct module *module = find_module(member.key);
		if (is_keyword(member.key) || module == &other_module)
			continue;
		if (module->kind == MODULE_TASKS)
			return "tasks";
		if (module->folder)
			return module->folder;
	}
	return "files";
}

/* The items of lists in lists; NULL if some are not known. */
static bool add_items(struct json *items, const struct json *value)
{
	for (size_t i = 0; i < json_count(value); i++) {
		const struct json *item = json_item(value, i);
		if (json_kind(item) == JSON_LIST) {
			if (!add_items(items, item))
				return false;
		} else if (json_kind(item) == JSON_TEXT && jinja_is_dynamic(json_text(item, ""))) {
			return false;
		} else {
			json_add(items, json_copy(item));
		}
	}
	return true;
}

/* with_file and its like: what it reads is taken, and its items are the paths. */
static void loop_over_lookup(
	struct task *task, const struct ansible_lookup *lookup, const struct json *terms)
{
	const char *folder =
		lookup->kind == LOOKUP_FIRST ? first_found_folder(task->said) : lookup->folder;
	bool one = json_kind(terms) != JSON_LIST;

	for (size_t i = 0; i < (one ? 1 : json_count(terms)); i++)
		ansible_look_up(task->run, task->spot, lookup, folder,
			one ? terms : json_item(terms, i), &task->looped);
	if (lookup->kind != LOOKUP_GLOB && lookup->kind != LOOKUP_FIRST)
		return;
	task->items = json_new_list();
	strings_each (path, &task->looped) {
		autofree char *rooted = memory_printf(REPOSITORY_ROOT "/%s", path);
		json_add_text(task->items, rooted);
	}
}

static void read_loop(struct task *task)
{
	const char *name = json_get_text(json_get(task->said, "loop_control"), "loop_var", NULL);

	task->loop_name = name ? name : "item";
	json_each_member (member, task->said) {
		bool plain = strcmp(member.key, "loop") == 0 ||
		             strcmp(member.key, "with_items") == 0 ||
		             strcmp(member.key, "with_list") == 0;
		if (plain && json_kind(member.value) == JSON_LIST) {
			autojson struct json *items = json_new_list();
			if (add_items(items, member.value))
				task->items = TAKE(items);
		} else if (text_starts_with(member.key, "with_")) {
			const struct ansible_lookup *lookup =
				ansible_find_lookup(member.key + strlen("with_"));
			if (lookup)
				loop_over_lookup(task, lookup, member.value);
		}
	}
}

static void walk_task(struct ansible *run, const struct ansible_spot *spot, const struct json *said)
{
	static const char *const blocks[] = {"block", "rescue", "always"};
	struct task task = {.run = run, .spot = spot, .said = said};
	bool is_block = false;

	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
		is_block |= json_has(said, blocks[i]);
		ansible_walk_tasks(run, spot, json_get(said, blocks[i]));
	}
	if (is_block) {
		ansible_walk_texts(run, spot, json_get(said, "vars"), false);
		return;
	}
	ansible_walk_texts(run, spot, said, false);
	read_loop(&task);
	json_each_member (member, said) {
		if (is_keyword(member.key))
			continue;
		if (strcmp(member.key, "action") != 0 && strcmp(member.key, "local_action") != 0) {
			walk_module(&task, member.key, member.value);
			continue;
		}
		const char *text = json_text(member.value, "");
		autofree char *name =
			json_kind(member.value) == JSON_OBJECT
				? memory_copy_text(json_get_text(member.value, "module", ""))
				: memory_copy_bytes(text, strcspn(text, " "));
		autojson struct json *rest = json_new_text(text + strcspn(text, " "));
		walk_module(
			&task, name, json_kind(member.value) == JSON_OBJECT ? member.value : rest);
	}
	json_free(task.items);
	strings_clear(&task.looped);
}

void ansible_walk_tasks(
	struct ansible *run, const struct ansible_spot *spot, const struct json *tasks)
{
	for (size_t i = 0; json_kind(tasks) == JSON_LIST && i < json_count(tasks); i++)
		if (json_kind(json_item(tasks, i)) == JSON_OBJECT)
			walk_task(run, spot, json_item(tasks, i));
}

void ansible_walk_task_file(struct ansible *run, struct ansible_place *place, const char *path,
	const char *folder, const struct json *known)
{
	struct ansible_spot spot = {place, path, folder, known};

	if (!ansible_visit(run, folder, place, path) || !tool_take(run->tool, path, NULL))
		return;
	if (run->depth > ANSIBLE_DEPTH_MOST)
		return;
	autojson struct json *documents = tool_read_yaml(run->tool, path, NULL);
	if (!documents) {
		autofree char *beside = path_folder(path);
		tool_take(run->tool, place->roles.count ? place->roles.items[0] : beside, NULL);
		return;
	}
	run->depth++;
	for (size_t i = 0; i < json_count(documents); i++)
		ansible_walk_tasks(run, &spot, json_item(documents, i));
	run->depth--;
}
