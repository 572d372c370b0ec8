/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/tools/tool.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"
#include "reconciler/reference.h"
#include "reconciler/tools/yaml.h"

enum { LOOKED_MOST = 100 * 1000 };

/*
 * ansible-local, puppet, chef and salt have no row: they run in the image and see what the options name, which is
 * uploaded whole.
 */
static const struct {
	enum plugin_kind kind;
	const char *name;
	void (*add)(struct tool *tool);
} tools[] = {
	{PLUGIN_PROVISIONER, "ansible", ansible_add_inputs},
	{PLUGIN_PROVISIONER, "inspec", inspec_add_inputs},
	{PLUGIN_BUILDER, "openstack", openstack_add_inputs},
};

int tool_add_inputs(const struct plugin *plugin, struct inputs *inputs, const char *folder,
	const struct json *options, struct strings *files, struct error *err)
{
	struct tool tool = {
		.inputs = inputs, .folder = folder, .options = options, .files = files, .err = err};

	for (size_t i = 0; i < sizeof(tools) / sizeof(*tools); i++) {
		if (tools[i].kind != plugin->kind || strcmp(tools[i].name, plugin->name) != 0)
			continue;
		tools[i].add(&tool);
		if (tool.full)
			reasons_add(inputs->problems, REASON_INVALID, NULL, NULL, NULL,
				"%s: what it includes leads to more than %d paths", plugin->name,
				LOOKED_MOST);
	}
	map_clear(&tool.whole);
	return tool.failed ? -1 : 0;
}

static bool goes_on(struct tool *tool, const char *path)
{
	if (tool->failed || !path)
		return false;
	if (tool->looked++ >= LOOKED_MOST)
		tool->full = true;
	return !tool->full;
}

enum entry_kind tool_look(struct tool *tool, const char *path)
{
	enum entry_kind kind = ENTRY_NONE;

	if (!goes_on(tool, path))
		return ENTRY_NONE;
	if (inputs_look(tool->inputs, path, &kind, tool->err) < 0)
		tool->failed = true;
	return kind;
}

bool tool_take(struct tool *tool, const char *path, struct strings *taken)
{
	CLEANUP(strings_clear) struct strings added = {0};
	bool found = false;

	enum entry_kind kind = tool_look(tool, path);
	if (kind == ENTRY_NONE)
		return false;
	if (kind == ENTRY_FOLDER && !taken && map_find_place(&tool->whole, path))
		return true;
	map_set(&tool->whole, path, NULL);
	if (inputs_add(tool->inputs, path, PATH_ANY, &added, &found, tool->err) < 0) {
		tool->failed = true;
		return false;
	}
	strings_add_all(tool->files, &added);
	if (taken)
		strings_add_all(taken, &added);
	return found;
}

bool tool_take_matches(struct tool *tool, const char *pattern, struct strings *taken)
{
	CLEANUP(strings_clear) struct strings added = {0};
	bool found = false;

	if (!goes_on(tool, pattern))
		return false;
	if (inputs_matches(tool->inputs, pattern, &found, tool->err) < 0)
		tool->failed = true;
	if (!found || tool->failed)
		return false;
	if (inputs_add(tool->inputs, pattern, PATH_PATTERN, &added, &found, tool->err) < 0)
		tool->failed = true;
	strings_add_all(tool->files, &added);
	if (taken)
		strings_add_all(taken, &added);
	return found;
}

void tool_miss(struct tool *tool, const char *path)
{
	if (path && !tool->failed)
		map_set(&tool->inputs->absent, path, NULL);
}

const char *tool_find(struct tool *tool, const struct strings *candidates)
{
	strings_each (path, candidates) {
		if (tool_look(tool, path) != ENTRY_NONE)
			return path;
		if (tool->failed || tool->full)
			return NULL;
		tool_miss(tool, path);
	}
	return NULL;
}

char *tool_read(struct tool *tool, const char *path, size_t *size)
{
	struct error ignored;
	char *bytes = NULL;
	bool found = false;

	if (tool_look(tool, path) != ENTRY_FILE)
		return NULL;
	/* more than is read is no failure of the repository */
	if (inputs_read(tool->inputs, path, YAML_SIZE_MOST, &bytes, size, &found, &ignored) < 0)
		return NULL;
	return bytes;
}

struct json *tool_read_yaml(struct tool *tool, const char *path, struct error *why)
{
	struct error ignored;
	struct json *documents = NULL;
	size_t size;
	autofree char *text = tool_read(tool, path, &size);

	if (!why)
		why = &ignored;
	if (!text) {
		error_set(why, ERROR_CATALOG, "%s: it cannot be read", path ? path : "");
		return NULL;
	}
	if (text_starts_with(text, "$ANSIBLE_VAULT;")) {
		error_set(why, ERROR_CATALOG, "%s: it is encrypted", path);
		return NULL;
	}
	return yaml_parse(path, text, size, &documents, why) < 0 ? NULL : documents;
}

static int note_name(void *context, const char *name, const struct entry *entry, struct error *err)
{
	(void)entry, (void)err;
	strings_add(context, name);
	return 0;
}

void tool_list(struct tool *tool, const char *folder, struct strings *names)
{
	if (tool_look(tool, folder) != ENTRY_FOLDER)
		return;
	inputs_depend(tool->inputs, folder, true);
	if (snapshot_list(tool->inputs->snapshot, folder, note_name, names, tool->err) < 0)
		tool->failed = true;
}

char *tool_path(const char *folder, const char *name)
{
	if (path_is_within(name, REPOSITORY_ROOT)) {
		name += strlen(REPOSITORY_ROOT);
		return path_beneath("", *name ? name + 1 : name);
	}
	return *name == '~' ? NULL : path_beneath(folder, name);
}
