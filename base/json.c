/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define C(value) ((struct json_object *)(uintptr_t)(value))
#define OURS(value) ((struct json *)(value))

enum json_kind json_kind(const struct json *value)
{
	switch (json_object_get_type(C(value))) {
	case json_type_boolean:
		return JSON_BOOL;
	case json_type_double:
		return JSON_REAL;
	case json_type_int:
		return JSON_INTEGER;
	case json_type_object:
		return JSON_OBJECT;
	case json_type_array:
		return JSON_LIST;
	case json_type_string:
		return JSON_TEXT;
	case json_type_null:
		break;
	}
	return JSON_NULL;
}

const char *json_kind_name(enum json_kind kind)
{
	static const char *const names[JSON_KIND_COUNT] = {
		[JSON_NULL] = "null",
		[JSON_BOOL] = "true or false",
		[JSON_INTEGER] = "a number",
		[JSON_REAL] = "a number",
		[JSON_TEXT] = "text",
		[JSON_LIST] = "a list",
		[JSON_OBJECT] = "an object",
	};
	return names[kind];
}

bool json_has(const struct json *object, const char *key)
{
	return json_kind(object) == JSON_OBJECT && json_object_object_get_ex(C(object), key, NULL);
}

struct json *json_get(const struct json *object, const char *key)
{
	struct json_object *value = NULL;

	if (json_kind(object) == JSON_OBJECT)
		json_object_object_get_ex(C(object), key, &value);
	return OURS(value);
}

size_t json_count(const struct json *container)
{
	switch (json_kind(container)) {
	case JSON_OBJECT:
		return json_object_object_length(C(container));
	case JSON_LIST:
		return json_object_array_length(C(container));
	default:
		return 0;
	}
}

struct json *json_item(const struct json *list, size_t index)
{
	if (json_kind(list) != JSON_LIST)
		return NULL;
	return OURS(json_object_array_get_idx(C(list), index));
}

const char *json_text(const struct json *value, const char *otherwise)
{
	return json_kind(value) == JSON_TEXT ? json_object_get_string(C(value)) : otherwise;
}

size_t json_text_size(const struct json *value)
{
	return json_kind(value) == JSON_TEXT ? json_object_get_string_len(C(value)) : 0;
}

int64_t json_integer(const struct json *value, int64_t otherwise)
{
	return json_kind(value) == JSON_INTEGER ? json_object_get_int64(C(value)) : otherwise;
}

double json_real(const struct json *value, double otherwise)
{
	enum json_kind kind = json_kind(value);

	return kind == JSON_REAL || kind == JSON_INTEGER ? json_object_get_double(C(value))
	                                                 : otherwise;
}

bool json_boolean(const struct json *value, bool otherwise)
{
	return json_kind(value) == JSON_BOOL ? json_object_get_boolean(C(value)) : otherwise;
}

const char *json_get_text(const struct json *object, const char *key, const char *otherwise)
{
	return json_text(json_get(object, key), otherwise);
}

int64_t json_get_integer(const struct json *object, const char *key, int64_t otherwise)
{
	return json_integer(json_get(object, key), otherwise);
}

bool json_get_boolean(const struct json *object, const char *key, bool otherwise)
{
	return json_boolean(json_get(object, key), otherwise);
}

void json_get_texts(const struct json *object, const char *key, struct strings *strings)
{
	struct json *list = json_get(object, key);

	for (size_t i = 0; i < json_count(list); i++) {
		const char *text = json_text(json_item(list, i), NULL);
		if (text)
			strings_add(strings, text);
	}
}

bool json_next(const struct json *object, struct json_cursor *cursor)
{
	const struct lh_entry *entry = cursor->entry;

	if (json_kind(object) != JSON_OBJECT)
		return false;
	entry = entry ? entry->next : json_object_get_object(C(object))->head;
	if (!entry)
		return false;
	cursor->entry = entry;
	cursor->key = lh_entry_k(entry);
	cursor->value = OURS(lh_entry_v(entry));
	return true;
}

bool json_equal(const struct json *a, const struct json *b)
{
	return json_object_equal(C(a), C(b));
}

static struct json *made(struct json_object *value)
{
	if (!value)
		memory_resize(NULL, SIZE_MAX, SIZE_MAX); /* ends the program */
	return OURS(value);
}

struct json *json_new_object(void)
{
	return made(json_object_new_object());
}

struct json *json_new_list(void)
{
	return made(json_object_new_array());
}

struct json *json_new_text_bytes(const char *bytes, size_t size)
{
	if (text_is_utf8(bytes, size))
		return made(json_object_new_string_len(bytes, size));

	struct text repaired = {0};
	text_add_utf8(&repaired, bytes, size);
	struct json *value = made(json_object_new_string_len(repaired.data, repaired.size));
	text_clear(&repaired);
	return value;
}

struct json *json_new_text(const char *text)
{
	return json_new_text_bytes(text, strlen(text));
}

struct json *json_new_integer(int64_t number)
{
	return made(json_object_new_int64(number));
}

struct json *json_new_real(double number, int decimals)
{
	char digits[64];

	snprintf(digits, sizeof(digits), "%.*f", decimals, number);
	return made(json_object_new_double_s(number, digits));
}

struct json *json_new_bool(bool value)
{
	return made(json_object_new_boolean(value));
}

/* json-c's own copy refuses containers that carry a place (json_place), so these are walked here. */
struct json *json_copy(const struct json *value)
{
	struct json_object *leaf = NULL;
	struct json *copy;

	switch (json_kind(value)) {
	case JSON_NULL:
		return NULL;
	case JSON_LIST:
		copy = json_new_list();
		for (size_t i = 0; i < json_count(value); i++)
			json_add(copy, json_copy(json_item(value, i)));
		return copy;
	case JSON_OBJECT:
		copy = json_new_object();
		json_each_member (member, value)
			json_set(copy, member.key, json_copy(member.value));
		return copy;
	default:
		if (json_object_deep_copy(C(value), &leaf, NULL) < 0)
			leaf = NULL;
		return made(leaf);
	}
}

void json_free(struct json *value)
{
	json_object_put(C(value));
}

void json_set(struct json *object, const char *key, struct json *value)
{
	json_object_object_add(C(object), key, C(value));
}

void json_add(struct json *list, struct json *value)
{
	json_object_array_add(C(list), C(value));
}

void json_remove(struct json *object, const char *key)
{
	if (json_kind(object) == JSON_OBJECT)
		json_object_object_del(C(object), key);
}

void json_set_text(struct json *object, const char *key, const char *text)
{
	json_set(object, key, text ? json_new_text(text) : NULL);
}

void json_set_integer(struct json *object, const char *key, int64_t number)
{
	json_set(object, key, json_new_integer(number));
}

void json_set_bool(struct json *object, const char *key, bool value)
{
	json_set(object, key, json_new_bool(value));
}

void json_add_text(struct json *list, const char *text)
{
	json_add(list, text ? json_new_text(text) : NULL);
}

void json_write(const struct json *value, enum json_style style, struct text *out)
{
	size_t size = 0;
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

	if (style == JSON_PRETTY)
		flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;
	else
		flags |= JSON_C_TO_STRING_PLAIN;
	const char *text = json_object_to_json_string_length(C(value), flags, &size);
	if (text)
		text_add_bytes(out, text, size);
	else
		made(NULL);
}

char *json_to_line(const struct json *value)
{
	struct text text = {0};

	json_write(value, JSON_LINE, &text);
	return text_take(&text);
}
