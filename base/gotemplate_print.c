/* SPDX-License-Identifier: Apache-2.0 */
/* Values as Go's fmt prints them, as far as templates reach it. */
#include "base/gotemplate_tree.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/real.h"

struct gotemplate_value value_of_json(const struct json *json)
{
	switch (json_kind(json)) {
	case JSON_BOOL:
		return (struct gotemplate_value){VALUE_BOOL, .truth = json_boolean(json, false)};
	case JSON_INTEGER:
		return (struct gotemplate_value){VALUE_INTEGER, .integer = json_integer(json, 0)};
	case JSON_REAL:
		return (struct gotemplate_value){VALUE_REAL, .real = json_real(json, 0)};
	case JSON_TEXT:
		return (struct gotemplate_value){
			VALUE_TEXT, .text = {json_text(json, ""), json_text_size(json)}};
	case JSON_LIST:
	case JSON_OBJECT:
		return (struct gotemplate_value){VALUE_JSON, .json = json};
	default:
		return (struct gotemplate_value){.type = VALUE_NIL};
	}
}

const char *value_type_name(const struct gotemplate_value *value)
{
	static const char *const names[VALUE_TYPE_COUNT] = {
		[VALUE_MISSING] = "missing value",
		[VALUE_NIL] = "nil",
		[VALUE_BOOL] = "bool",
		[VALUE_INTEGER] = "int",
		[VALUE_REAL] = "float64",
		[VALUE_TEXT] = "string",
		[VALUE_JSON] = "map or list",
	};
	return names[value->type];
}

bool value_is_true(const struct gotemplate_value *value)
{
	switch (value->type) {
	case VALUE_BOOL:
		return value->truth;
	case VALUE_INTEGER:
		return value->integer != 0;
	case VALUE_REAL:
		return value->real != 0;
	case VALUE_TEXT:
		return value->text.size != 0;
	case VALUE_JSON:
		return json_count(value->json) != 0;
	default:
		return false;
	}
}

static void print_json(const struct json *json, struct text *out)
{
	bool first = true;

	if (json_kind(json) == JSON_LIST) {
		text_add_char(out, '[');
		for (size_t i = 0; i < json_count(json); i++) {
			struct gotemplate_value item = value_of_json(json_item(json, i));
			if (i)
				text_add_char(out, ' ');
			value_print(&item, out);
		}
		text_add_char(out, ']');
		return;
	}
	CLEANUP(strings_clear) struct strings keys = {0};
	json_each_member (member, json)
		strings_add(&keys, member.key);
	strings_sort(&keys);
	text_add(out, "map[");
	strings_each (key, &keys) {
		struct gotemplate_value item = value_of_json(json_get(json, key));
		text_addf(out, "%s%s:", first ? "" : " ", key);
		value_print(&item, out);
		first = false;
	}
	text_add_char(out, ']');
}

void value_print(const struct gotemplate_value *value, struct text *out)
{
	switch (value->type) {
	case VALUE_BOOL:
		text_add(out, value->truth ? "true" : "false");
		break;
	case VALUE_INTEGER:
		text_addf(out, "%lld", (long long)value->integer);
		break;
	case VALUE_REAL:
		real_add(value->real, -4, 6, out);
		break;
	case VALUE_TEXT:
		text_add_bytes(out, value->text.bytes, value->text.size);
		break;
	case VALUE_JSON:
		print_json(value->json, out);
		break;
	default:
		text_add(out, "<no value>");
	}
}

void value_sprint(const struct gotemplate_value *value, struct text *out)
{
	if (value->type == VALUE_NIL || value->type == VALUE_MISSING)
		text_add(out, "<nil>");
	else
		value_print(value, out);
}
