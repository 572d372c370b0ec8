/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/path.h"

void references_clear(struct references *references)
{
	for (size_t i = 0; i < references->count; i++)
		free(references->items[i].value);
	free(references->items);
	*references = (struct references){0};
}

static void add(struct references *references, struct reference reference, enum reference_kind kind,
	const char *value)
{
	reference.kind = kind;
	reference.value = memory_copy_text(value);
	MEMORY_GROW(references->items, references->count, references->room);
	references->items[references->count++] = reference;
}

static void add_path(struct references *references, struct reference reference, const char *path)
{
	if (strstr(path, "{{"))
		add(references, reference, REFERENCE_UNKNOWN, path);
	else if (path_is_within(path, REPOSITORY_ROOT))
		add(references, reference, REFERENCE_ROOTED,
			path[strlen(REPOSITORY_ROOT)] ? path + strlen(REPOSITORY_ROOT) + 1 : "");
	else if (path[0] == '/') {
		/* made clean: what is granted is what is opened */
		autofree char *clean = path_clean(path);
		add(references, reference, REFERENCE_OUTSIDE, clean);
	} else if (path[0] == '~')
		add(references, reference, REFERENCE_OUTSIDE, path);
	else
		add(references, reference, REFERENCE_RELATIVE, path);
}

/* A source image: a URL is no input of ours, a catalog's image is, all else is a path. */
static void add_source(struct references *references, struct reference reference, const char *value)
{
	if (text_starts_with(value, "catalog:")) {
		add(references, reference, REFERENCE_CATALOG, value + strlen("catalog:"));
	} else if (text_starts_with(value, "file://")) {
		reference.path = PATH_FILE;
		add_path(references, reference, value + strlen("file://"));
	} else if (!strstr(value, "://")) {
		reference.path = PATH_FILE;
		add_path(references, reference, value);
	}
}

/* The JSON itself stands where a path to it may stand. */
static bool is_object(const char *value)
{
	return value[strspn(value, " \t\r\n")] == '{';
}

/* "PATH", "-x=PATH", "file=PATH,if=virtio": whether it is one is seen when it is looked for. */
static void add_word(struct references *references, struct reference reference, const char *value)
{
	CLEANUP(strings_clear) struct strings pieces = {0};

	strings_split(&pieces, value, ',');
	strings_each (piece, &pieces) {
		const char *sign = strchr(piece, '=');
		const char *path = sign ? sign + 1 : piece;
		if (text_starts_with(path, "file:"))
			path += strlen("file:");
		bool rooted = path_is_within(path, REPOSITORY_ROOT);
		if (strpbrk(path, "/.") && *path != '-' && !strstr(path, "{{") &&
			(rooted || (*path != '/' && *path != '~')))
			add_path(references, reference, path);
	}
}

/* Words or rows of words, as other programs take them. */
static void add_rows(
	struct references *references, struct reference reference, const struct json *rows)
{
	reference.optional = true;
	for (size_t i = 0; json_kind(rows) == JSON_LIST && i < json_count(rows); i++) {
		const struct json *row = json_item(rows, i);
		add_word(references, reference, json_text(row, ""));
		for (size_t j = 0; json_kind(row) == JSON_LIST && j < json_count(row); j++)
			add_word(references, reference, json_text(json_item(row, j), ""));
	}
}

/* The names in a map: what begins otherwise is the name of something else. */
static void add_keys(
	struct references *references, struct reference reference, const struct json *map)
{
	json_each_member (member, map)
		if (*member.key == '/' || *member.key == '.')
			add_path(references, reference, member.key);
}

static void add_value(struct references *references, struct reference reference, const char *value)
{
	if (!*value || (reference.option->check == CHECK_ACCOUNT && is_object(value)))
		return;
	switch (reference.path) {
	case PATH_URL:
		add_source(references, reference, value);
		break;
	case PATH_CHECKSUM:
		if (text_starts_with(value, "file:"))
			add_source(references, reference, value + strlen("file:"));
		break;
	case PATH_ROOT:
		if (strcmp(value, "scratch") == 0)
			break;
		if (text_starts_with(value, "oci:")) {
			reference.path = PATH_FOLDER;
			add_path(references, reference, value + strlen("oci:"));
		} else {
			add_source(references, reference, value);
		}
		break;
	case PATH_NONE: /* the name of an image elsewhere, unless it is one of ours */
		if (text_starts_with(value, "catalog:"))
			add(references, reference, REFERENCE_CATALOG, value + strlen("catalog:"));
		break;
	default:
		add_path(references, reference, value);
	}
}

static void add_option(struct references *references, const struct recipe_part *part,
	const struct json *options, const struct plugin_option *option);

/* What the options of a block name. */
static void add_block(struct references *references, const struct recipe_part *part,
	const struct json *block, const struct plugin_option *rows)
{
	for (; rows->name; rows++)
		add_option(references, part, block, rows);
}

/* Options of the same plugin once more, for parts of what it does: {NAME: {...}}. */
static void add_overrides(
	struct references *references, const struct recipe_part *part, const struct json *overrides)
{
	const struct plugin *plugin = part->plugin;

	json_each_member (member, overrides)
		plugin_each_option(option, plugin)
		{
			if (option->path == PATH_OVERRIDE ||
				(plugin->reads && option->path != PATH_OUTPUT &&
					!(plugin->reads(member.value, option) &&
						plugin->reads(part->options, option))))
				continue;
			add_option(references, part, member.value, option);
		}
}

static void add_option(struct references *references, const struct recipe_part *part,
	const struct json *options, const struct plugin_option *option)
{
	const struct json *value = json_get(options, option->name);
	bool list = json_kind(value) == JSON_LIST;
	struct reference reference = {.part = part,
		.option = option,
		.options = options,
		.path = option->path,
		.optional = option->optional_path};

	if (option->block) {
		for (size_t i = 0; list && i < json_count(value); i++)
			add_block(references, part, json_item(value, i), option->block);
		if (json_kind(value) == JSON_OBJECT)
			add_block(references, part, value, option->block);
		return;
	}
	if (option->path == PATH_WORDS)
		add_rows(references, reference, value);
	if (option->path == PATH_KEYS)
		add_keys(references, reference, value);
	if (option->path == PATH_WORDS || option->path == PATH_KEYS)
		return;
	if (option->path == PATH_OVERRIDE)
		add_overrides(references, part, value);
	if (option->path == PATH_OVERRIDE || (option->path == PATH_NONE && !option->source_image))
		return;
	if (json_kind(value) == JSON_TEXT)
		add_value(references, reference, json_text(value, ""));
	for (size_t i = 0; list && i < json_count(value); i++)
		if (json_kind(json_item(value, i)) == JSON_TEXT)
			add_value(references, reference, json_text(json_item(value, i), ""));
	json_each_member (member, value) /* metadata_files: the values are paths */
		if (json_kind(member.value) == JSON_TEXT)
			add_value(references, reference, json_text(member.value, ""));
}

/* What a plugin that nobody here knows may read: every text of it that names something. */
static void add_unknown(
	struct references *references, const struct recipe_part *part, const struct json *value)
{
	static const struct plugin_option any = {
		"an option", OPTION_TEXT, PATH_NAME, .check = CHECK_NOTHING};
	struct reference reference = {.part = part,
		.option = &any,
		.options = part->options,
		.path = PATH_NAME,
		.optional = true};
	const char *text = json_text(value, "");

	if (*text && !strpbrk(text, "\n{") &&
		(*text != '/' || path_is_within(text, REPOSITORY_ROOT)))
		add_path(references, reference, text);
	for (size_t i = 0; json_kind(value) == JSON_LIST && i < json_count(value); i++)
		add_unknown(references, part, json_item(value, i));
	json_each_member (member, value)
		add_unknown(references, part, member.value);
}

static void find_in_part(void *context, struct recipe_part *part)
{
	if (!part->options)
		return;
	if (!part->plugin) {
		add_unknown(context, part, part->options);
		return;
	}
	plugin_each_option(option, part->plugin)
	{
		if (part->plugin->reads && option->path != PATH_OUTPUT &&
			!part->plugin->reads(part->options, option))
			continue;
		add_option(context, part, part->options, option);
	}
}

void references_find(struct recipe *recipe, struct references *references)
{
	recipe_each_part(recipe, find_in_part, references);
}
