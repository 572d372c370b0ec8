/* SPDX-License-Identifier: Apache-2.0 */
/* Source: ansible-core 2.14 plugins/lookup, plugins/action/template.py. */
#include "reconciler/tools/ansible.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"
#include "reconciler/tools/jinja.h"

/* The lookups that read files of the machine that Ansible runs on, and where they look. */
static const struct ansible_lookup lookups[] = {
	{"file", LOOKUP_NAME, "files"},
	{"unvault", LOOKUP_NAME, "files"},
	{"password", LOOKUP_NAME, "files"},
	{"filetree", LOOKUP_NAME, "files"},
	{"fileglob", LOOKUP_GLOB, "files"},
	{"template", LOOKUP_TEMPLATE, "templates"},
	{"first_found", LOOKUP_FIRST, "files"},
	{"csvfile", LOOKUP_FILE_WORD, "files"},
	{"ini", LOOKUP_FILE_WORD, "files"},
	{0},
};

/* Behind the namespace and the name of a collection. */
const char *ansible_short_name(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

const struct ansible_lookup *ansible_find_lookup(const char *name)
{
	for (const struct ansible_lookup *lookup = lookups; lookup->name; lookup++)
		if (strcmp(lookup->name, ansible_short_name(name)) == 0)
			return lookup;
	return NULL;
}

/* first_found: a name, or {files, paths}; FOLDER is what the task's module looks in. */
static void take_first_found(struct ansible *run, const struct ansible_spot *spot,
	const char *folder, const struct json *term, struct strings *found)
{
	CLEANUP(strings_clear) struct strings files = {0}, paths = {0};

	if (json_kind(term) == JSON_TEXT)
		strings_add(&files, json_text(term, ""));
	json_get_texts(term, "files", &files);
	json_get_texts(term, "paths", &paths);
	if (json_kind(json_get(term, "files")) == JSON_TEXT)
		strings_split(&files, json_get_text(term, "files", ""), ',');
	if (json_kind(json_get(term, "paths")) == JSON_TEXT)
		strings_split(&paths, json_get_text(term, "paths", ""), ',');
	if (!paths.count)
		strings_add(&paths, "");
	strings_each (path, &paths)
		strings_each (file, &files) {
			autofree char *name =
				*path ? memory_printf("%s/%s", path, file) : memory_copy_text(file);
			ansible_take(run, spot, folder, name, found);
		}
}

/* "key file=NAME other=..." */
static void take_file_word(struct ansible *run, const struct ansible_spot *spot, const char *term)
{
	autojson struct json *words = jinja_split_arguments(term);
	const char *name = json_get_text(words, "file", NULL);

	if (name)
		ansible_take(run, spot, "files", name, NULL);
}

void ansible_look_up(struct ansible *run, const struct ansible_spot *spot,
	const struct ansible_lookup *lookup, const char *folder, const struct json *term,
	struct strings *found)
{
	CLEANUP(strings_clear) struct strings taken = {0};
	const char *name = json_text(term, "");

	switch (lookup->kind) {
	case LOOKUP_NAME:
		ansible_take(run, spot, folder, name, found);
		break;
	case LOOKUP_GLOB:
		ansible_take_matches(run, spot, folder, name, found);
		break;
	case LOOKUP_TEMPLATE:
		ansible_take(run, spot, folder, name, &taken);
		strings_each (path, &taken)
			ansible_walk_template(run, spot, path);
		break;
	case LOOKUP_FIRST:
		take_first_found(run, spot, folder, term, found);
		break;
	case LOOKUP_FILE_WORD:
		take_file_word(run, spot, name);
		break;
	}
}

struct texts {
	struct ansible *run;
	const struct ansible_spot *spot;
	bool loose;
};

static void visit_lookup(void *context, const char *name, const struct strings *terms, bool dynamic)
{
	const struct texts *texts = context;
	const struct ansible_lookup *lookup = ansible_find_lookup(name);

	if (!lookup)
		return;
	strings_each (text, terms) {
		autojson struct json *term = json_new_text(text);
		if (texts->loose) {
			autofree char *key = memory_printf("%s\n%s", lookup->folder, text);
			map_set(&texts->run->loose, key, NULL);
		} else {
			ansible_look_up(
				texts->run, texts->spot, lookup, lookup->folder, term, NULL);
		}
	}
	if (!dynamic)
		return;
	if (texts->loose)
		map_set(&texts->run->loose, lookup->folder, NULL);
	else
		ansible_take(texts->run, texts->spot, lookup->folder, "{{ }}", NULL);
}

void ansible_walk_texts(
	struct ansible *run, const struct ansible_spot *spot, const struct json *value, bool loose)
{
	struct texts texts = {run, spot, loose};

	if (json_kind(value) == JSON_TEXT)
		jinja_each_lookup(json_text(value, ""), visit_lookup, &texts);
	for (size_t i = 0; json_kind(value) == JSON_LIST && i < json_count(value); i++)
		ansible_walk_texts(run, spot, json_item(value, i), loose);
	if (json_kind(value) == JSON_OBJECT)
		json_each_member (member, value)
			ansible_walk_texts(run, spot, member.value, loose);
}

void ansible_walk_template(struct ansible *run, const struct ansible_spot *spot, const char *path)
{
	CLEANUP(strings_clear) struct strings names = {0};
	struct texts texts = {run, spot, false};
	bool dynamic;
	size_t size;

	if (!ansible_visit(run, "template", spot->place, path) || run->depth > ANSIBLE_DEPTH_MOST)
		return;
	autofree char *text = tool_read(run->tool, path, &size);
	if (!text)
		return;
	run->depth++;
	jinja_each_lookup(text, visit_lookup, &texts);
	jinja_list_includes(text, &names, &dynamic);
	/* beside itself it is looked for last */
	struct ansible_spot own = {spot->place, spot->file, spot->folder, spot->known};
	strings_each (name, &names) {
		CLEANUP(strings_clear) struct strings taken = {0};
		ansible_take(run, &own, "templates", name, &taken);
		if (!taken.count) {
			autofree char *folder = path_folder(path);
			autofree char *beside = path_beneath(folder, name);
			tool_take(run->tool, beside, &taken);
		}
		strings_each (inner, &taken)
			ansible_walk_template(run, spot, inner);
	}
	if (dynamic)
		ansible_take(run, &own, "templates", "{{ }}", NULL);
	run->depth--;
}
