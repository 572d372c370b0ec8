/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kiln makes of questions, a JSON object a line, for tests/fuzz/differential:
 *   {"text": TEMPLATE}                    rendered, with the variables that the first line gives as {"variables": {...}}
 *   {"layout": L, "sec": N, "nsec": N}    a time in that layout
 *   {"type": NAME, "value": V}            decoded as an option of that type
 * The answers, a line each: {"out": TEXT or value} or {"error": TEXT}.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/moment.h"
#include "reconciler/template/decode.h"

static const char *const types[OPTION_TYPE_COUNT] = {
	[OPTION_TEXT] = "text",
	[OPTION_BOOL] = "bool",
	[OPTION_TRILEAN] = "trilean",
	[OPTION_INTEGER] = "integer",
	[OPTION_UNSIGNED] = "unsigned",
	[OPTION_DURATION] = "duration",
	[OPTION_TEXTS] = "texts",
	[OPTION_INTEGERS] = "integers",
	[OPTION_TEXT_MAP] = "text_map",
	[OPTION_ROWS] = "rows",
	[OPTION_BLOCK] = "block",
	[OPTION_BLOCKS] = "blocks",
	[OPTION_BYTES] = "bytes",
};

static void answer(const char *key, struct json *value)
{
	autojson struct json *object = json_new_object();

	json_set(object, key, value);
	autofree char *line = json_to_line(object);
	puts(line);
}

static int decode(const struct json *question, struct json **value, struct error *err)
{
	enum option_type type = OPTION_TEXT;

	while (type < OPTION_TYPE_COUNT &&
		strcmp(types[type], json_get_text(question, "type", "")) != 0)
		type++;
	if (type == OPTION_TYPE_COUNT)
		return fail(err, ERROR_BROKEN, "no such type");
	return decode_value(type, json_get(question, "value"), value, err);
}

static void ask(const struct json *question, const struct map *values)
{
	struct interpolation context = {.values = values, .live = true};
	CLEANUP(text_clear) struct text out = {0};
	struct json *value = NULL;
	struct error err;
	int result = 0;

	if (json_has(question, "text")) {
		result = interpolation_render(
			&context, json_get_text(question, "text", ""), &out, &err);
		value = json_new_text_bytes(text_get(&out), out.size);
	} else if (json_has(question, "layout")) {
		moment_write_layout(json_get_integer(question, "sec", 0),
			(long)json_get_integer(question, "nsec", 0),
			json_get_text(question, "layout", ""), &out);
		value = json_new_text_bytes(text_get(&out), out.size);
	} else {
		result = decode(question, &value, &err);
	}
	if (result == 0) {
		answer("out", value);
	} else {
		json_free(value);
		answer("error", json_new_text(err.text));
	}
}

int main(void)
{
	CLEANUP(map_clear) struct map values = {0};
	autojson struct json *variables = NULL;
	autofree char *line = NULL;
	size_t room = 0;
	ssize_t size;

	while ((size = getline(&line, &room, stdin)) > 0) {
		autojson struct json *question = NULL;
		struct error err;
		if (json_parse_bytes(line, size, &question, &err) < 0) {
			fprintf(stderr, "render: %s\n", err.text);
			return 2;
		}
		if (json_has(question, "variables")) {
			variables = json_copy(json_get(question, "variables"));
			json_each_member (member, variables)
				map_set(&values, member.key,
					(char *)(uintptr_t)json_text(member.value, ""));
			continue;
		}
		ask(question, &values);
	}
	return 0;
}
