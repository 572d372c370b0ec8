/* SPDX-License-Identifier: Apache-2.0 */
/* Values as Go's fmt prints them, as far as templates reach it. */
#include "base/gotemplate_tree.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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
		real_add(value->real, -4, 21, out);
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

/* ---- printf ---- */

struct verb {
	bool minus, plus, sharp, zero, space;
	int width, precision; /* -1: none */
	char letter;
};

static int read_count(
	const char **format, const struct gotemplate_value *arguments, size_t count, size_t *next)
{
	int number = -1;

	if (**format == '*') {
		(*format)++;
		if (*next < count && arguments[*next].type == VALUE_INTEGER)
			number = (int)arguments[*next].integer;
		(*next)++;
		return number;
	}
	while (**format >= '0' && **format <= '9' && number < 1000000)
		number = (number < 0 ? 0 : number) * 10 + (*(*format)++ - '0');
	return number;
}

static const char *read_verb(const char *format, const struct gotemplate_value *arguments,
	size_t count, size_t *next, struct verb *verb)
{
	*verb = (struct verb){.width = -1, .precision = -1};
	for (;; format++) {
		if (*format == '-')
			verb->minus = true;
		else if (*format == '+')
			verb->plus = true;
		else if (*format == '#')
			verb->sharp = true;
		else if (*format == '0')
			verb->zero = true;
		else if (*format == ' ')
			verb->space = true;
		else
			break;
	}
	verb->width = read_count(&format, arguments, count, next);
	if (*format == '.') {
		format++;
		verb->precision = read_count(&format, arguments, count, next);
		if (verb->precision < 0)
			verb->precision = 0;
	}
	verb->letter = *format;
	return *format ? format + 1 : format;
}

/* In runes, as Go counts width and precision. */
static size_t rune_count(const char *bytes, size_t size)
{
	size_t count = 0, length;

	for (size_t at = 0; at < size; at += length, count++)
		text_read_rune(bytes + at, size - at, &length);
	return count;
}

static void pad(const struct verb *verb, const char *bytes, size_t size, struct text *out)
{
	size_t runes = rune_count(bytes, size);
	size_t width = verb->width > 0 ? verb->width : 0;
	size_t missing = width > runes ? width - runes : 0;

	if (missing > GOTEMPLATE_OUTPUT_MOST)
		missing = GOTEMPLATE_OUTPUT_MOST;
	if (verb->minus)
		text_add_bytes(out, bytes, size);
	for (; missing; missing--)
		text_add_char(out, verb->zero && !verb->minus ? '0' : ' ');
	if (!verb->minus)
		text_add_bytes(out, bytes, size);
}

/* strconv.Quote */
static void quote(const char *bytes, size_t size, struct text *out)
{
	size_t length;

	text_add_char(out, '"');
	for (size_t at = 0; at < size; at += length) {
		unsigned rune = text_read_rune(bytes + at, size - at, &length);
		unsigned char c = bytes[at];
		if (rune == 0xFFFD && length == 1)
			text_addf(out, "\\x%02x", c);
		else if (c == '"')
			text_add(out, "\\\"");
		else if (c == 0x7F || (c < 0x20 && (c < 7 || c > 13)))
			text_addf(out, "\\x%02x", c);
		else
			text_add_c_escaped(out, bytes + at, length, NULL);
	}
	text_add_char(out, '"');
}

static void bad_verb(
	const struct verb *verb, const struct gotemplate_value *value, struct text *out)
{
	text_addf(out, "%%!%c(%s=", verb->letter, value_type_name(value));
	value_sprint(value, out);
	text_add_char(out, ')');
}

static void format_text(
	const struct verb *verb, const struct gotemplate_value *value, struct text *out)
{
	CLEANUP(text_clear) struct text piece = {0};
	const char *bytes = value->text.bytes;
	size_t size = value->text.size;

	if (verb->precision >= 0 && (verb->letter == 's' || verb->letter == 'v')) {
		size_t kept = 0, length;
		for (int i = 0; i < verb->precision && kept < size; i++, kept += length)
			text_read_rune(bytes + kept, size - kept, &length);
		size = kept;
	}
	switch (verb->letter) {
	case 's':
	case 'v':
		if (verb->letter == 'v' && verb->sharp)
			quote(bytes, size, &piece);
		else
			text_add_bytes(&piece, bytes, size);
		break;
	case 'q':
		quote(bytes, size, &piece);
		break;
	case 'x':
	case 'X':
		for (size_t i = 0; i < size; i++)
			text_addf(&piece, verb->letter == 'x' ? "%02x" : "%02X",
				(unsigned char)bytes[i]);
		break;
	default:
		bad_verb(verb, value, out);
		return;
	}
	pad(verb, text_get(&piece), piece.size, out);
}

static void format_integer(
	const struct verb *verb, const struct gotemplate_value *value, struct text *out)
{
	CLEANUP(text_clear) struct text piece = {0};
	uint64_t magnitude =
		value->integer < 0 ? -(uint64_t)value->integer : (uint64_t)value->integer;
	struct verb padding = *verb;
	const char *sign = value->integer < 0 ? "-" : verb->plus ? "+" : verb->space ? " " : "";
	char digits[80];

	switch (verb->letter) {
	case 'd':
	case 'v':
		snprintf(digits, sizeof(digits), "%" PRIu64, magnitude);
		break;
	case 'x':
		snprintf(
			digits, sizeof(digits), verb->sharp ? "0x%" PRIx64 : "%" PRIx64, magnitude);
		break;
	case 'X':
		snprintf(
			digits, sizeof(digits), verb->sharp ? "0X%" PRIX64 : "%" PRIX64, magnitude);
		break;
	case 'o':
		snprintf(digits, sizeof(digits), verb->sharp ? "0%" PRIo64 : "%" PRIo64, magnitude);
		break;
	case 'b': {
		int at = 0;
		for (int bit = 63; bit >= 0; bit--)
			if (at || !bit || magnitude >> bit & 1)
				digits[at++] = '0' + (magnitude >> bit & 1);
		digits[at] = '\0';
		break;
	}
	case 'c':
	case 'q':
		digits[0] = '\0';
		text_add_char(&piece, '\'');
		text_add_rune(&piece, value->integer);
		text_add_char(&piece, '\'');
		padding.zero = false;
		pad(&padding, piece.data + (verb->letter == 'c'),
			piece.size - 2 * (verb->letter == 'c'), out);
		return;
	case 'U':
		snprintf(digits, sizeof(digits), "U+%04" PRIX64, magnitude);
		sign = "";
		break;
	default:
		bad_verb(verb, value, out);
		return;
	}
	/* zeros go between the sign and the digits */
	int width = verb->precision >= 0 ? verb->precision
	            : verb->zero && !verb->minus && verb->width > 0
	                    ? verb->width - (int)strlen(sign)
	                    : 0;
	text_add(&piece, sign);
	for (int missing = width - (int)strlen(digits); missing > 0 && missing < 4096; missing--)
		text_add_char(&piece, '0');
	text_add(&piece, digits);
	padding.zero = false;
	pad(&padding, text_get(&piece), piece.size, out);
}

static void format_real(
	const struct verb *verb, const struct gotemplate_value *value, struct text *out)
{
	CLEANUP(text_clear) struct text piece = {0};
	struct verb padding = *verb;
	char form[16];
	int precision = verb->precision;

	if (verb->plus && value->real >= 0)
		text_add_char(&piece, '+');
	switch (verb->letter) {
	case 'v':
	case 'g':
	case 'G':
		if (precision < 0)
			real_add(value->real, -4, 21, &piece);
		else
			text_addf(&piece, "%.*g", precision, value->real);
		break;
	case 'e':
	case 'E':
	case 'f':
	case 'F':
		snprintf(form, sizeof(form), "%%.*%c", verb->letter);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		text_addf(&piece, form, precision < 0 ? 6 : precision, value->real);
#pragma GCC diagnostic pop
		break;
	default:
		bad_verb(verb, value, out);
		return;
	}
	pad(&padding, text_get(&piece), piece.size, out);
}

static void format_one(
	const struct verb *verb, const struct gotemplate_value *value, struct text *out)
{
	CLEANUP(text_clear) struct text piece = {0};

	if (verb->letter == 'T') {
		text_add(&piece, value_type_name(value));
		pad(verb, text_get(&piece), piece.size, out);
		return;
	}
	switch (value->type) {
	case VALUE_TEXT:
		format_text(verb, value, out);
		return;
	case VALUE_INTEGER:
		format_integer(verb, value, out);
		return;
	case VALUE_REAL:
		format_real(verb, value, out);
		return;
	case VALUE_BOOL:
		if (verb->letter != 't' && verb->letter != 'v') {
			bad_verb(verb, value, out);
			return;
		}
		break;
	case VALUE_NIL:
	case VALUE_MISSING:
		if (verb->letter == 'v')
			text_add(out, "<nil>");
		else
			text_addf(out, "%%!%c(<nil>)", verb->letter);
		return;
	default:
		break;
	}
	value_sprint(value, &piece);
	pad(verb, text_get(&piece), piece.size, out);
}

void value_printf(const char *format, const struct gotemplate_value *arguments, size_t count,
	struct text *out)
{
	size_t next = 0;

	while (*format && out->size <= GOTEMPLATE_OUTPUT_MOST) {
		struct verb verb;
		if (*format != '%') {
			text_add_char(out, *format++);
			continue;
		}
		format = read_verb(format + 1, arguments, count, &next, &verb);
		if (!verb.letter)
			text_add(out, "%!(NOVERB)");
		else if (verb.letter == '%')
			text_add_char(out, '%');
		else if (next >= count)
			text_addf(out, "%%!%c(MISSING)", verb.letter);
		else
			format_one(&verb, &arguments[next++], out);
	}
	if (next >= count)
		return;
	text_add(out, "%!(EXTRA ");
	for (size_t i = next; i < count && out->size <= GOTEMPLATE_OUTPUT_MOST; i++) {
		text_addf(out, "%s%s=", i > next ? ", " : "", value_type_name(&arguments[i]));
		value_sprint(&arguments[i], out);
	}
	text_add_char(out, ')');
}
