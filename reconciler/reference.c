/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "reconciler/definition.h"

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

static void add_value(struct references *references, struct reference reference, const char *value)
{
	if (!*value)
		return;
	switch (reference.path) {
	case PATH_URL:
		add_source(references, reference, value);
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
	const struct plugin_option *option)
{
	const struct json *value = json_get(part->options, option->name);
	struct reference reference = {.part = part,
		.option = option,
		.path = option->path,
		.optional = option->optional_path};

	if (json_kind(value) == JSON_TEXT)
		add_value(references, reference, json_text(value, ""));
	for (size_t i = 0; json_kind(value) == JSON_LIST && i < json_count(value); i++)
		if (json_kind(json_item(value, i)) == JSON_TEXT)
			add_value(references, reference, json_text(json_item(value, i), ""));
	json_each_member (member, value) /* metadata_files: the values are paths */
		if (json_kind(member.value) == JSON_TEXT)
			add_value(references, reference, json_text(member.value, ""));
}

static void find_in_part(void *context, struct recipe_part *part)
{
	if (!part->plugin || !part->options)
		return;
	plugin_each_option(option, part->plugin)
	{
		if (option->path == PATH_NONE && !option->source_image)
			continue;
		if (part->plugin->reads && option->path != PATH_OUTPUT &&
			!part->plugin->reads(part->options, option))
			continue;
		add_option(context, part, option);
	}
}

void references_find(struct recipe *recipe, struct references *references)
{
	recipe_each_part(recipe, find_in_part, references);
}

bool image_reference_parse(const char *text, struct image_reference *reference)
{
	const char *at = strchr(text, '@');
	char *end;

	*reference = (struct image_reference){
		.image = memory_copy_bytes(text, at ? (size_t)(at - text) : strlen(text))};
	if (at && at[1] >= '1' && at[1] <= '9') {
		reference->version = strtoll(at + 1, &end, 10);
		if (*end)
			reference->version = -1;
	} else if (at) {
		reference->channel = memory_copy_text(at + 1);
	}
	if (definition_is_name(reference->image) && reference->version >= 0 &&
		(!reference->channel || definition_is_channel(reference->channel)))
		return true;
	image_reference_clear(reference);
	return false;
}

void image_reference_clear(struct image_reference *reference)
{
	free(reference->image);
	free(reference->channel);
	*reference = (struct image_reference){0};
}
