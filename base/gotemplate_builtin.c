/* SPDX-License-Identifier: Apache-2.0 */
/* Go's own template functions. */
#include "base/gotemplate_tree.h"

#include <string.h>

#include "base/cleanup.h"

static struct gotemplate_value truth(bool value)
{
	return (struct gotemplate_value){VALUE_BOOL, .truth = value};
}

static int do_not(const struct gotemplate_value *arguments, size_t count,
	struct gotemplate_value *result, struct text *storage, struct error *err)
{
	(void)count, (void)storage, (void)err;
	*result = truth(!value_is_true(&arguments[0]));
	return 0;
}

static int do_len(const struct gotemplate_value *arguments, size_t count,
	struct gotemplate_value *result, struct text *storage, struct error *err)
{
	(void)count, (void)storage;
	int64_t length;

	if (arguments[0].type == VALUE_TEXT)
		length = arguments[0].text.size;
	else if (arguments[0].type == VALUE_JSON)
		length = json_count(arguments[0].json);
	else
		return fail(
			err, ERROR_CATALOG, "a %s has no length", value_type_name(&arguments[0]));
	*result = (struct gotemplate_value){VALUE_INTEGER, .integer = length};
	return 0;
}

static int index_once(const struct gotemplate_value *value, const struct gotemplate_value *index,
	struct gotemplate_value *result, struct error *err)
{
	if (value->type == VALUE_JSON && json_kind(value->json) == JSON_OBJECT) {
		if (index->type != VALUE_TEXT)
			return fail(err, ERROR_CATALOG, "a map is indexed with a string");
		if (json_has(value->json, index->text.bytes))
			*result = value_of_json(json_get(value->json, index->text.bytes));
		else
			*result = (struct gotemplate_value){.type = VALUE_MISSING};
		return 0;
	}
	size_t size = value->type == VALUE_TEXT   ? value->text.size
	              : value->type == VALUE_JSON ? json_count(value->json)
	                                          : 0;
	if (value->type != VALUE_TEXT && value->type != VALUE_JSON)
		return fail(err, ERROR_CATALOG, "cannot index a %s", value_type_name(value));
	if (index->type != VALUE_INTEGER)
		return fail(err, ERROR_CATALOG, "the index is a %s", value_type_name(index));
	if (index->integer < 0 || (size_t)index->integer >= size)
		return fail(err, ERROR_CATALOG, "index %lld is out of range",
			(long long)index->integer);
	if (value->type == VALUE_TEXT)
		*result = (struct gotemplate_value){
			VALUE_INTEGER, .integer = (unsigned char)value->text.bytes[index->integer]};
	else
		*result = value_of_json(json_item(value->json, index->integer));
	return 0;
}

static int do_index(const struct gotemplate_value *arguments, size_t count,
	struct gotemplate_value *result, struct text *storage, struct error *err)
{
	(void)storage;
	struct gotemplate_value value = arguments[0];

	for (size_t i = 1; i < count; i++) {
		struct gotemplate_value next;
		if (index_once(&value, &arguments[i], &next, err) < 0)
			return -1;
		value = next;
	}
	*result = value;
	return 0;
}

static int do_slice(const struct gotemplate_value *arguments, size_t count,
	struct gotemplate_value *result, struct text *storage, struct error *err)
{
	int64_t bounds[2] = {0, 0};

	if (arguments[0].type != VALUE_TEXT)
		return fail(
			err, ERROR_CATALOG, "cannot slice a %s", value_type_name(&arguments[0]));
	bounds[1] = arguments[0].text.size;
	for (size_t i = 1; i < count; i++) {
		if (arguments[i].type != VALUE_INTEGER)
			return fail(err, ERROR_CATALOG, "the index is a %s",
				value_type_name(&arguments[i]));
		bounds[i - 1] = arguments[i].integer;
	}
	if (bounds[0] < 0 || bounds[1] < bounds[0] || (uint64_t)bounds[1] > arguments[0].text.size)
		return fail(err, ERROR_CATALOG, "slice bounds are out of range");
	text_add_bytes(storage, arguments[0].text.bytes + bounds[0], bounds[1] - bounds[0]);
	*result = (struct gotemplate_value){.type = VALUE_TEXT};
	return 0;
}

static int do_print(const struct gotemplate_value *arguments, size_t count,
	struct gotemplate_value *result, struct text *storage, struct error *err)
{
	(void)err;
	text_add_bytes(storage, "", 0);
	for (size_t i = 0; i < count && storage->size <= GOTEMPLATE_OUTPUT_MOST; i++) {
		/* Sprint puts a space between two operands when neither is a string */
		if (i && arguments[i].type != VALUE_TEXT && arguments[i - 1].type != VALUE_TEXT)
			text_add_char(storage, ' ');
		value_sprint(&arguments[i], storage);
	}
	*result = (struct gotemplate_value){.type = VALUE_TEXT};
	return 0;
}

static int do_println(const struct gotemplate_value *arguments, size_t count,
	struct gotemplate_value *result, struct text *storage, struct error *err)
{
	(void)err;
	for (size_t i = 0; i < count && storage->size <= GOTEMPLATE_OUTPUT_MOST; i++) {
		if (i)
			text_add_char(storage, ' ');
		value_sprint(&arguments[i], storage);
	}
	text_add_char(storage, '\n');
	*result = (struct gotemplate_value){.type = VALUE_TEXT};
	return 0;
}

static int do_printf(const struct gotemplate_value *arguments, size_t count,
	struct gotemplate_value *result, struct text *storage, struct error *err)
{
	if (arguments[0].type != VALUE_TEXT)
		return fail(
			err, ERROR_CATALOG, "the format is a %s", value_type_name(&arguments[0]));
	text_add_bytes(storage, "", 0);
	value_printf(arguments[0].text.bytes, arguments + 1, count - 1, storage);
	*result = (struct gotemplate_value){.type = VALUE_TEXT};
	return 0;
}

struct replacement {
	char byte;
	const char *text;
};

static void escape(const struct gotemplate_value *arguments, size_t count,
	const struct replacement *table, size_t rows, struct text *out)
{
	CLEANUP(text_clear) struct text plain = {0};

	text_add_bytes(&plain, "", 0);
	for (size_t i = 0; i < count && plain.size <= GOTEMPLATE_OUTPUT_MOST; i++) {
		if (i && arguments[i].type != VALUE_TEXT && arguments[i - 1].type != VALUE_TEXT)
			text_add_char(&plain, ' ');
		value_sprint(&arguments[i], &plain);
	}
	text_add_bytes(out, "", 0);
	for (size_t i = 0; i < plain.size; i++) {
		size_t row = 0;
		while (row < rows && table[row].byte != plain.data[i])
			row++;
		if (row < rows)
			text_add(out, table[row].text);
		else
			text_add_char(out, plain.data[i]);
	}
}

static int do_html(const struct gotemplate_value *arguments, size_t count,
	struct gotemplate_value *result, struct text *storage, struct error *err)
{
	static const struct replacement table[] = {{'"', "&#34;"}, {'\'', "&#39;"}, {'&', "&amp;"},
		{'<', "&lt;"}, {'>', "&gt;"}, {'\0', "\xEF\xBF\xBD"}};

	(void)err;
	escape(arguments, count, table, sizeof(table) / sizeof(*table), storage);
	*result = (struct gotemplate_value){.type = VALUE_TEXT};
	return 0;
}

static int do_js(const struct gotemplate_value *arguments, size_t count,
	struct gotemplate_value *result, struct text *storage, struct error *err)
{
	static const struct replacement table[] = {{'\\', "\\\\"}, {'\'', "\\'"}, {'"', "\\\""},
		{'<', "\\u003C"}, {'>', "\\u003E"}, {'&', "\\u0026"}, {'=', "\\u003D"},
		{'\n', "\\u000A"}, {'\r', "\\u000D"}, {'\t', "\\u0009"}};

	(void)err;
	escape(arguments, count, table, sizeof(table) / sizeof(*table), storage);
	*result = (struct gotemplate_value){.type = VALUE_TEXT};
	return 0;
}

static int do_urlquery(const struct gotemplate_value *arguments, size_t count,
	struct gotemplate_value *result, struct text *storage, struct error *err)
{
	CLEANUP(text_clear) struct text plain = {0};

	(void)err;
	escape(arguments, count, NULL, 0, &plain);
	text_add_bytes(storage, "", 0);
	for (size_t i = 0; i < plain.size; i++) {
		unsigned char c = plain.data[i];
		if (c == ' ')
			text_add_char(storage, '+');
		else if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			 (c >= 'A' && c <= 'Z') || (c && strchr("-_.~", c)))
			text_add_char(storage, c);
		else
			text_addf(storage, "%%%02X", c);
	}
	*result = (struct gotemplate_value){.type = VALUE_TEXT};
	return 0;
}

/* -1, 0, 1; *ORDERED is false for what has no order; fails for two types that do not compare. */
static int compare(const struct gotemplate_value *a, const struct gotemplate_value *b, int *order,
	struct error *err)
{
	bool a_nil = a->type == VALUE_NIL || a->type == VALUE_MISSING;
	bool b_nil = b->type == VALUE_NIL || b->type == VALUE_MISSING;

	if (a_nil || b_nil) {
		*order = a_nil && b_nil ? 0 : a_nil ? -1 : 1;
		return 0;
	}
	if (a->type != b->type || a->type == VALUE_JSON)
		return fail(err, ERROR_CATALOG, "a %s does not compare with a %s",
			value_type_name(a), value_type_name(b));
	if (a->type == VALUE_BOOL) {
		*order = a->truth - b->truth;
	} else if (a->type == VALUE_INTEGER) {
		*order = (a->integer > b->integer) - (a->integer < b->integer);
	} else if (a->type == VALUE_REAL) {
		*order = (a->real > b->real) - (a->real < b->real);
	} else {
		size_t size = a->text.size < b->text.size ? a->text.size : b->text.size;
		int difference = memcmp(a->text.bytes, b->text.bytes, size);
		*order = difference ? (difference > 0) - (difference < 0)
		                    : (a->text.size > b->text.size) - (a->text.size < b->text.size);
	}
	return 0;
}

static int do_eq(const struct gotemplate_value *arguments, size_t count,
	struct gotemplate_value *result, struct text *storage, struct error *err)
{
	int order;

	(void)storage;
	*result = truth(false);
	for (size_t i = 1; i < count; i++) {
		if (compare(&arguments[0], &arguments[i], &order, err) < 0)
			return -1;
		if (order == 0) {
			*result = truth(true);
			return 0;
		}
	}
	return 0;
}

static int do_ne(const struct gotemplate_value *arguments, size_t count,
	struct gotemplate_value *result, struct text *storage, struct error *err)
{
	if (do_eq(arguments, count, result, storage, err) < 0)
		return -1;
	result->truth = !result->truth;
	return 0;
}

static int ordered(const struct gotemplate_value *arguments, int *order, struct error *err)
{
	if (arguments[0].type == VALUE_BOOL || arguments[0].type == VALUE_NIL ||
		arguments[0].type == VALUE_MISSING)
		return fail(
			err, ERROR_CATALOG, "a %s has no order", value_type_name(&arguments[0]));
	return compare(&arguments[0], &arguments[1], order, err);
}

#define ORDER_FUNCTION(name, condition)                                                   \
	static int name(const struct gotemplate_value *arguments, size_t count,           \
		struct gotemplate_value *result, struct text *storage, struct error *err) \
	{                                                                                 \
		int order;                                                                \
		(void)count, (void)storage;                                               \
		if (ordered(arguments, &order, err) < 0)                                  \
			return -1;                                                        \
		*result = truth(condition);                                               \
		return 0;                                                                 \
	}
ORDER_FUNCTION(do_lt, order < 0)
ORDER_FUNCTION(do_le, order <= 0)
ORDER_FUNCTION(do_gt, order > 0)
ORDER_FUNCTION(do_ge, order >= 0)

static const struct builtin builtins[] = {
	{"not", 1, 1, do_not},
	{"len", 1, 1, do_len},
	{"index", 1, -1, do_index},
	{"slice", 1, 3, do_slice},
	{"print", 0, -1, do_print},
	{"printf", 1, -1, do_printf},
	{"println", 0, -1, do_println},
	{"html", 0, -1, do_html},
	{"js", 0, -1, do_js},
	{"urlquery", 0, -1, do_urlquery},
	{"eq", 2, -1, do_eq},
	{"ne", 2, 2, do_ne},
	{"lt", 2, 2, do_lt},
	{"le", 2, 2, do_le},
	{"gt", 2, 2, do_gt},
	{"ge", 2, 2, do_ge},
};

const struct builtin *builtin_find(const char *name)
{
	for (size_t i = 0; i < sizeof(builtins) / sizeof(*builtins); i++)
		if (strcmp(builtins[i].name, name) == 0)
			return &builtins[i];
	return NULL;
}
