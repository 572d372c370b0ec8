/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/tools/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/map.h"
#include "base/memory.h"

struct anchor {
	struct json *value; /* owned */
	size_t nodes;
};

struct reader {
	const char *name;
	yaml_parser_t parser;
	struct map anchors; /* name -> struct anchor, owned */
	size_t nodes;
	struct error *err;
};

static void free_anchor(void *pointer)
{
	struct anchor *anchor = pointer;

	json_free(anchor->value);
	free(anchor);
}

static int complain(struct reader *reader, const yaml_mark_t *mark, const char *what)
{
	return fail(reader->err, ERROR_CATALOG, "%s:%zu:%zu: %s", reader->name, mark->line + 1,
		mark->column + 1, what);
}

static int next(struct reader *reader, yaml_event_t *event)
{
	if (yaml_parser_parse(&reader->parser, event))
		return 0;
	return complain(reader, &reader->parser.problem_mark,
		reader->parser.problem ? reader->parser.problem : "this is no YAML");
}

static int count_nodes(struct reader *reader, const yaml_event_t *event, size_t count)
{
	reader->nodes += count;
	return reader->nodes > YAML_NODES_MOST
	               ? complain(reader, &event->start_mark, "aliases and values without end")
	               : 0;
}

/* The copy counts too: anchors within anchors are as good as aliases for growing without end. */
static int keep_anchor(struct reader *reader, const yaml_event_t *event, const yaml_char_t *name,
	const struct json *value, size_t nodes)
{
	if (count_nodes(reader, event, nodes) < 0)
		return -1;
	struct anchor *anchor = memory_new(sizeof(*anchor));
	anchor->value = json_copy(value);
	anchor->nodes = nodes;
	map_set(&reader->anchors, (const char *)name, anchor);
	return 0;
}

static int read_node(
	struct reader *reader, const yaml_event_t *event, int depth, struct json **value);

/* What the event begins, and then the event is gone. */
static int take_node(struct reader *reader, yaml_event_t *event, int depth, struct json **value)
{
	int result = read_node(reader, event, depth, value);

	yaml_event_delete(event);
	return result;
}

static int read_list(struct reader *reader, int depth, struct json *list)
{
	for (;;) {
		yaml_event_t event;
		struct json *item = NULL;
		if (next(reader, &event) < 0)
			return -1;
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return 0;
		}
		if (take_node(reader, &event, depth, &item) < 0)
			return -1;
		json_add(list, item);
	}
}

static void merge(struct json *object, const struct json *from)
{
	for (size_t i = 0; json_kind(from) == JSON_LIST && i < json_count(from); i++)
		merge(object, json_item(from, i));
	if (json_kind(from) != JSON_OBJECT)
		return;
	json_each_member (member, from)
		if (!json_has(object, member.key))
			json_set(object, member.key, json_copy(member.value));
}

static int read_object(struct reader *reader, int depth, struct json *object)
{
	autojson struct json *merged = json_new_list();

	for (;;) {
		yaml_event_t event;
		autojson struct json *key = NULL;
		struct json *value = NULL;
		if (next(reader, &event) < 0)
			return -1;
		if (event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			break;
		}
		if (take_node(reader, &event, depth, &key) < 0 || next(reader, &event) < 0 ||
			take_node(reader, &event, depth, &value) < 0)
			return -1;
		if (json_kind(key) != JSON_TEXT)
			json_free(value);
		else if (strcmp(json_text(key, ""), "<<") == 0)
			json_add(merged, value);
		else
			json_set(object, json_text(key, ""), value);
	}
	merge(object, merged);
	return 0;
}

static int read_alias(struct reader *reader, const yaml_event_t *event, struct json **value)
{
	const struct anchor *anchor =
		map_find(&reader->anchors, (const char *)event->data.alias.anchor);

	if (!anchor)
		return complain(reader, &event->start_mark, "an alias of what is not there");
	if (count_nodes(reader, event, anchor->nodes) < 0)
		return -1;
	*value = json_copy(anchor->value);
	return 0;
}

static struct json *read_scalar(const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t size = event->data.scalar.length;

	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
		(strcmp(text, "~") == 0 || strcmp(text, "null") == 0))
		size = 0;
	return json_new_text_bytes(text, size);
}

static int read_node(
	struct reader *reader, const yaml_event_t *event, int depth, struct json **value)
{
	size_t before = reader->nodes;
	const yaml_char_t *anchor = NULL;
	int result = 0;

	if (depth > YAML_DEPTH_MOST)
		return complain(reader, &event->start_mark, "too many levels");
	if (count_nodes(reader, event, 1) < 0)
		return -1;
	if (event->type == YAML_ALIAS_EVENT)
		return read_alias(reader, event, value);
	autojson struct json *made = NULL;
	if (event->type == YAML_SCALAR_EVENT) {
		anchor = event->data.scalar.anchor;
		made = read_scalar(event);
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		anchor = event->data.sequence_start.anchor;
		made = json_new_list();
		result = read_list(reader, depth + 1, made);
	} else {
		anchor = event->data.mapping_start.anchor;
		made = json_new_object();
		result = read_object(reader, depth + 1, made);
	}
	if (result < 0)
		return -1;
	if (anchor && keep_anchor(reader, event, anchor, made, reader->nodes - before) < 0)
		return -1;
	*value = TAKE(made);
	return 0;
}

static int read_stream(struct reader *reader, struct json *documents)
{
	for (;;) {
		yaml_event_t event;
		struct json *document = NULL;
		if (next(reader, &event) < 0)
			return -1;
		yaml_event_type_t type = event.type;
		if (type == YAML_DOCUMENT_START_EVENT)
			map_clear(&reader->anchors);
		if (type == YAML_NO_EVENT || type == YAML_STREAM_START_EVENT ||
			type == YAML_STREAM_END_EVENT || type == YAML_DOCUMENT_START_EVENT ||
			type == YAML_DOCUMENT_END_EVENT) {
			yaml_event_delete(&event);
			if (type == YAML_STREAM_END_EVENT || type == YAML_NO_EVENT)
				return 0;
			continue;
		}
		if (take_node(reader, &event, 0, &document) < 0)
			return -1;
		json_add(documents, document);
	}
}

int yaml_parse(
	const char *name, const char *text, size_t size, struct json **documents, struct error *err)
{
	struct reader reader = {.name = name, .err = err};
	autojson struct json *list = json_new_list();

	reader.anchors.free_value = free_anchor;
	if (size > YAML_SIZE_MOST)
		return fail(err, ERROR_CATALOG, "%s: more than %d bytes", name, YAML_SIZE_MOST);
	if (!yaml_parser_initialize(&reader.parser))
		return fail(err, ERROR_RESOURCE, "%s: no memory", name);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, size);
	int result = read_stream(&reader, list);
	yaml_parser_delete(&reader.parser);
	map_clear(&reader.anchors);
	if (result == 0)
		*documents = TAKE(list);
	return result;
}

bool yaml_is_true(const struct json *value)
{
	static const char *const words[] = {"yes", "true", "on", "y", "1", "t"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (text_equal_case(json_text(value, ""), words[i]))
			return true;
	return false;
}
