/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/template/decode.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "base/memory.h"
#include "base/real.h"

static int mismatch(enum option_type type, const struct json *value, struct error *err)
{
	if (json_kind(value) == JSON_TEXT)
		return fail(err, ERROR_CATALOG, "must be %s, not \"%.60s\"", option_type_name(type),
			json_text(value, ""));
	return fail(err, ERROR_CATALOG, "must be %s, not %s", option_type_name(type),
		json_kind_name(json_kind(value)));
}

static int decode_text(const struct json *value, struct json **result, struct error *err)
{
	CLEANUP(text_clear) struct text text = {0};

	switch (json_kind(value)) {
	case JSON_TEXT:
		text_add_bytes(&text, json_text(value, ""), json_text_size(value));
		break;
	case JSON_INTEGER: /* every number is a double in Packer */
	case JSON_REAL:
		real_add(json_real(value, 0), -400, 400, &text); /* FormatFloat(f, 'f', -1, 64) */
		break;
	case JSON_BOOL:
		text_add(&text, json_boolean(value, false) ? "1" : "0");
		break;
	default:
		return mismatch(OPTION_TEXT, value, err);
	}
	if (text.size)
		*result = json_new_text_bytes(text.data, text.size);
	return 0;
}

/* strconv.ParseBool: 1, 0, -1 */
static int parse_bool(const char *text)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};

	for (size_t i = 0; i < 6; i++) {
		if (strcmp(text, yes[i]) == 0)
			return 1;
		if (strcmp(text, no[i]) == 0)
			return 0;
	}
	return -1;
}

/* What Go counts a Trilean by: 1 is true, 2 is false, all others are neither. */
static int decode_trilean_number(const struct json *value, struct json **result)
{
	int64_t number = real_to_integer(json_real(value, 0));

	if (number == 1 || number == 2)
		*result = json_new_bool(number == 1);
	return 0;
}

static int decode_bool(
	enum option_type type, const struct json *value, struct json **result, struct error *err)
{
	int truth;

	switch (json_kind(value)) {
	case JSON_BOOL:
		truth = json_boolean(value, false);
		break;
	case JSON_INTEGER:
	case JSON_REAL:
		if (type == OPTION_TRILEAN)
			return decode_trilean_number(value, result);
		truth = json_real(value, 0) != 0;
		break;
	case JSON_TEXT:
		if (!json_text_size(value))
			return 0;
		truth = parse_bool(json_text(value, ""));
		if (truth < 0)
			return mismatch(type, value, err);
		break;
	default:
		return mismatch(type, value, err);
	}
	if (truth || type == OPTION_TRILEAN)
		*result = json_new_bool(truth);
	return 0;
}

/* strconv.ParseInt with base 0: sign, 0x 0o 0b prefixes, underscores between digits. */
static int parse_integer(const char *text, int64_t *number)
{
	char digits[80];
	size_t size = 0;
	int base = 10;
	char *end;
	const char *at = text + (*text == '-' || *text == '+');

	if (!real_underscores_fit(text, strlen(text)))
		return -1;
	if (at[0] == '0' && at[1]) {
		char prefix = at[1] | 0x20;
		base = prefix == 'x' ? 16 : prefix == 'b' ? 2 : 8;
		at += prefix == 'x' || prefix == 'b' || prefix == 'o' ? 2 : 1;
	}
	if (*text == '-')
		digits[size++] = '-';
	for (; *at && size < sizeof(digits) - 1; at++)
		if (*at != '_')
			digits[size++] = *at;
	digits[size] = '\0';
	if (*at || size == (*text == '-') || strchr("+- \t", digits[*text == '-']))
		return -1;
	errno = 0;
	*number = strtoll(digits, &end, base);
	return *end || errno ? -1 : 0;
}

static int decode_integer(
	enum option_type type, const struct json *value, struct json **result, struct error *err)
{
	int64_t number = 0;

	switch (json_kind(value)) {
	case JSON_INTEGER:
	case JSON_REAL:
		if (fabs(json_real(value, 0)) >= 9.2e18)
			return mismatch(type, value, err);
		number = real_to_integer(json_real(value, 0));
		break;
	case JSON_BOOL:
		number = json_boolean(value, false);
		break;
	case JSON_TEXT:
		/* Go wraps a number below 0 around to a large one, and refuses a text that says it */
		if (json_text_size(value) && (parse_integer(json_text(value, ""), &number) < 0 ||
						     (type == OPTION_UNSIGNED && number < 0)))
			return mismatch(type, value, err);
		break;
	default:
		return mismatch(type, value, err);
	}
	if (number)
		*result = json_new_integer(number);
	return 0;
}

static int decode_duration(const struct json *value, struct json **result, struct error *err)
{
	int64_t nsec = 0;

	if (json_kind(value) == JSON_TEXT) {
		if (duration_parse_go(json_text(value, ""), &nsec) < 0)
			return mismatch(OPTION_DURATION, value, err);
	} else if (json_kind(value) == JSON_INTEGER || json_kind(value) == JSON_REAL) {
		nsec = real_to_integer(json_real(value, 0));
	} else if (json_kind(value) == JSON_BOOL) {
		nsec = json_boolean(value, false);
	} else {
		return mismatch(OPTION_DURATION, value, err);
	}
	if (nsec)
		*result = json_new_integer(nsec);
	return 0;
}

/* The items a list option gets: a text is split at its commas, all else that is no list becomes a list of one. */
static struct json *as_list(const struct json *value)
{
	struct json *list;

	if (json_kind(value) == JSON_LIST)
		return json_copy(value);
	list = json_new_list();
	if (json_kind(value) == JSON_TEXT) {
		CLEANUP(strings_clear) struct strings pieces = {0};
		if (json_text_size(value))
			strings_split(&pieces, json_text(value, ""), ',');
		strings_each (piece, &pieces)
			json_add_text(list, piece);
	} else if (!(json_kind(value) == JSON_OBJECT && !json_count(value))) {
		json_add(list, json_copy(value));
	}
	return list;
}

static struct json *zero_item(enum option_type type)
{
	switch (type) {
	case OPTION_TEXT:
		return json_new_text("");
	case OPTION_INTEGER:
	case OPTION_UNSIGNED:
		return json_new_integer(0);
	case OPTION_TEXTS:
		return json_new_list();
	default:
		return NULL;
	}
}

static int decode_list(enum option_type type, enum option_type item_type, const struct json *value,
	struct json **result, struct error *err)
{
	autojson struct json *items = as_list(value), *list = json_new_list();

	for (size_t i = 0; i < json_count(items); i++) {
		struct json *item = NULL;
		const struct json *given = json_item(items, i);
		if (given && decode_value(item_type, given, &item, err) < 0)
			return json_kind(value) == JSON_LIST ? fail_while(err, "item %zu", i + 1)
			                                     : mismatch(type, value, err);
		json_add(list, item ? item : zero_item(item_type));
	}
	if (json_count(list))
		*result = TAKE(list);
	return 0;
}

/* []byte of Go: a list of numbers, of which each fits a byte. */
static int decode_bytes(const struct json *value, struct json **result, struct error *err)
{
	autojson struct json *list = NULL;

	if (decode_list(OPTION_BYTES, OPTION_UNSIGNED, value, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(list); i++)
		if (json_integer(json_item(list, i), 0) > UINT8_MAX &&
			json_kind(value) == JSON_TEXT)
			return mismatch(OPTION_BYTES, value, err);
	*result = TAKE(list);
	return 0;
}

static int decode_map(const struct json *value, struct json **result, struct error *err)
{
	autojson struct json *map = json_new_object();
	size_t count = json_kind(value) == JSON_LIST ? json_count(value) : 1;

	for (size_t i = 0; i < count; i++) {
		const struct json *one =
			json_kind(value) == JSON_LIST ? json_item(value, i) : value;
		if (json_kind(one) != JSON_OBJECT)
			return mismatch(OPTION_TEXT_MAP, value, err);
		json_each_member (member, one) {
			struct json *text = NULL;
			if (member.value && decode_text(member.value, &text, err) < 0)
				return fail_while(err, "%s", member.key);
			json_set(map, member.key, text ? text : json_new_text(""));
		}
	}
	if (json_count(map))
		*result = TAKE(map);
	return 0;
}

/* Blocks: what was rendered, to be decoded by their own rows later. One that is empty is there all the same. */
static int decode_block(const struct json *value, struct json **result, struct error *err)
{
	if (json_kind(value) != JSON_OBJECT)
		return mismatch(OPTION_BLOCK, value, err);
	*result = json_copy(value);
	return 0;
}

static int decode_blocks(const struct json *value, struct json **result, struct error *err)
{
	autojson struct json *items = NULL;

	if (json_kind(value) == JSON_TEXT)
		return json_text_size(value) ? mismatch(OPTION_BLOCKS, value, err) : 0;
	items = as_list(value);
	for (size_t i = 0; i < json_count(items); i++)
		if (json_kind(json_item(items, i)) != JSON_OBJECT)
			return mismatch(OPTION_BLOCKS, value, err);
	if (json_count(items))
		*result = TAKE(items);
	return 0;
}

int decode_value(
	enum option_type type, const struct json *value, struct json **result, struct error *err)
{
	*result = NULL;
	if (!value)
		return 0;
	switch (type) {
	case OPTION_TEXT:
		return decode_text(value, result, err);
	case OPTION_BOOL:
	case OPTION_TRILEAN:
		return decode_bool(type, value, result, err);
	case OPTION_INTEGER:
	case OPTION_UNSIGNED:
		return decode_integer(type, value, result, err);
	case OPTION_DURATION:
		return decode_duration(value, result, err);
	case OPTION_TEXTS:
		return decode_list(type, OPTION_TEXT, value, result, err);
	case OPTION_INTEGERS:
		return decode_list(type, OPTION_INTEGER, value, result, err);
	case OPTION_ROWS:
		return decode_list(type, OPTION_TEXTS, value, result, err);
	case OPTION_TEXT_MAP:
		return decode_map(value, result, err);
	case OPTION_BLOCK:
		return decode_block(value, result, err);
	case OPTION_BLOCKS:
		return decode_blocks(value, result, err);
	case OPTION_BYTES:
		return decode_bytes(value, result, err);
	default:
		*result = json_copy(value);
		return 0;
	}
}
