/* SPDX-License-Identifier: Apache-2.0 */
/* The strict scanner of base/json.h: one pass, which either builds a tree or looks for one place. */
#include "base/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"

struct reader {
	const struct json_source *source;
	unsigned flags;
	size_t at;
	unsigned depth;
	struct text buffer; /* the string that was read last */
	struct error *err;
	enum error_kind kind; /* of the errors */
};

static struct json_place place_of(const struct json_source *source, size_t offset)
{
	struct json_place place = {.offset = offset, .line = 1, .column = 1};

	for (size_t i = 0; i < offset && i < source->size; i++) {
		if (source->text[i] == '\n') {
			place.line++;
			place.column = 1;
		} else {
			place.column++;
		}
	}
	return place;
}

static int fail_at(struct reader *reader, size_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail_at(struct reader *reader, size_t offset, const char *format, ...)
{
	struct json_place place = place_of(reader->source, offset);
	struct text message = {0};
	va_list args;

	va_start(args, format);
	text_addv(&message, format, args);
	va_end(args);
	if (reader->source->name)
		error_set(reader->err, reader->kind, "%s:%u:%u: %s", reader->source->name,
			place.line, place.column, text_get(&message));
	else
		error_set(reader->err, reader->kind, "line %u, column %u: %s", place.line,
			place.column, text_get(&message));
	text_clear(&message);
	return -1;
}

static bool at_end(const struct reader *reader)
{
	return reader->at >= reader->source->size;
}

/* The byte at hand, 0 at the end (a NUL in the text is refused as any other stray byte). */
static char peek(const struct reader *reader)
{
	return at_end(reader) ? '\0' : reader->source->text[reader->at];
}

static int unexpected(struct reader *reader, const char *wanted)
{
	char c = peek(reader);

	if (at_end(reader))
		return fail_at(reader, reader->at, "the text ends where %s was expected", wanted);
	if ((unsigned char)c < 0x20 || (unsigned char)c >= 0x7F)
		return fail_at(reader, reader->at, "byte 0x%02x where %s was expected",
			(unsigned char)c, wanted);
	return fail_at(reader, reader->at, "'%c' where %s was expected", c, wanted);
}

static int skip_comment(struct reader *reader)
{
	const char *text = reader->source->text;
	size_t size = reader->source->size, start = reader->at;

	if (start + 1 < size && text[start + 1] == '/') {
		while (!at_end(reader) && peek(reader) != '\n')
			reader->at++;
		return 0;
	}
	if (start + 1 < size && text[start + 1] == '*') {
		const char *end = start + 2 < size
		                          ? memmem(text + start + 2, size - start - 2, "*/", 2)
		                          : NULL;
		if (!end)
			return fail_at(reader, start, "the comment that begins here has no end");
		reader->at = end + 2 - text;
		return 0;
	}
	return unexpected(reader, "a value or a comment");
}

static int skip_space(struct reader *reader)
{
	for (;;) {
		switch (peek(reader)) {
		case ' ':
		case '\t':
		case '\n':
		case '\r':
			reader->at++;
			continue;
		case '/':
			if (!(reader->flags & JSON_COMMENTS))
				return 0;
			if (skip_comment(reader) < 0)
				return -1;
			continue;
		default:
			return 0;
		}
	}
}

static int read_hex4(struct reader *reader, unsigned *value)
{
	*value = 0;
	for (int i = 0; i < 4; i++, reader->at++) {
		char c = peek(reader);
		unsigned digit;
		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (c >= 'a' && c <= 'f')
			digit = c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			digit = c - 'A' + 10;
		else
			return unexpected(reader, "a hexadecimal digit");
		*value = *value * 16 + digit;
	}
	return 0;
}

/* Behind the "\u". A lone surrogate becomes U+FFFD, as in Go and in most readers. */
static int read_unicode_escape(struct reader *reader)
{
	size_t start = reader->at - 2;
	unsigned rune, low;

	if (read_hex4(reader, &rune) < 0)
		return -1;
	if (rune == 0)
		return fail_at(reader, start, "\\u0000 has no place in a text");
	const char *next = reader->source->text + reader->at;
	if (rune >= 0xD800 && rune <= 0xDBFF && reader->at + 6 <= reader->source->size &&
		next[0] == '\\' && next[1] == 'u') {
		size_t back = reader->at;
		reader->at += 2;
		if (read_hex4(reader, &low) < 0)
			return -1;
		if (low >= 0xDC00 && low <= 0xDFFF)
			rune = 0x10000 + ((rune - 0xD800) << 10) + (low - 0xDC00);
		else
			reader->at = back;
	}
	text_add_rune(&reader->buffer, rune);
	return 0;
}

static int read_escape(struct reader *reader)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char bytes[] = "\"\\/\b\f\n\r\t";

	reader->at++;
	char c = peek(reader);
	if (c == 'u') {
		reader->at++;
		return read_unicode_escape(reader);
	}
	const char *letter = c ? strchr(letters, c) : NULL;
	if (!letter)
		return unexpected(reader, "one of \"\\/bfnrtu after a backslash");
	text_add_char(&reader->buffer, bytes[letter - letters]);
	reader->at++;
	return 0;
}

static int add_plain(struct reader *reader, size_t start)
{
	const char *plain = reader->source->text + start;
	size_t size = reader->at - start;

	if (text_is_utf8(plain, size))
		text_add_bytes(&reader->buffer, plain, size);
	else if (reader->flags & JSON_REPAIR_UTF8)
		text_add_utf8(&reader->buffer, plain, size);
	else
		return fail_at(reader, start, "the string that begins here is not valid UTF-8");
	return 0;
}

/* Reads a string into reader->buffer; the quote is at hand. */
static int read_string(struct reader *reader)
{
	size_t start = reader->at++;

	text_reset(&reader->buffer);
	for (;;) {
		size_t plain = reader->at;
		while (!at_end(reader) && (unsigned char)peek(reader) >= 0x20 &&
			peek(reader) != '"' && peek(reader) != '\\')
			reader->at++;
		if (reader->at > plain && add_plain(reader, plain) < 0)
			return -1;
		if (at_end(reader))
			return fail_at(reader, start, "the string that begins here has no end");
		switch (peek(reader)) {
		case '"':
			reader->at++;
			text_add_bytes(&reader->buffer, "", 0);
			return 0;
		case '\\':
			if (read_escape(reader) < 0)
				return -1;
			break;
		default:
			return fail_at(reader, reader->at,
				"a raw control character (0x%02x) in a string: write it as an "
				"escape such as \\n or \\t",
				(unsigned char)peek(reader));
		}
	}
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int read_digits(struct reader *reader)
{
	if (!is_digit(peek(reader)))
		return unexpected(reader, "a digit");
	while (is_digit(peek(reader)))
		reader->at++;
	return 0;
}

static int read_number(struct reader *reader, struct json_object **value)
{
	size_t start = reader->at;
	bool whole = true;

	if (peek(reader) == '-')
		reader->at++;
	if (peek(reader) == '0')
		reader->at++;
	else if (read_digits(reader) < 0)
		return -1;
	if (peek(reader) == '.') {
		whole = false;
		reader->at++;
		if (read_digits(reader) < 0)
			return -1;
	}
	if (peek(reader) == 'e' || peek(reader) == 'E') {
		whole = false;
		reader->at++;
		if (peek(reader) == '+' || peek(reader) == '-')
			reader->at++;
		if (read_digits(reader) < 0)
			return -1;
	}
	if (!value)
		return 0;

	autofree char *digits = memory_copy_bytes(reader->source->text + start, reader->at - start);
	if (whole) {
		errno = 0;
		long long number = strtoll(digits, NULL, 10);
		if (errno == 0 && (number || *digits != '-')) {
			*value = json_object_new_int64(number);
			return 0;
		}
	}
	double number = strtod(digits, NULL);
	if (!isfinite(number))
		return fail_at(reader, start, "the number %s is too large", digits);
	*value = json_object_new_double_s(number, digits);
	return 0;
}

static int read_word(struct reader *reader, const char *word)
{
	size_t size = strlen(word), left = reader->source->size - reader->at;

	if (left < size || memcmp(reader->source->text + reader->at, word, size) != 0)
		return unexpected(reader, "a value");
	reader->at += size;
	return 0;
}

static int read_value(struct reader *reader, struct json_object **value);

static int enter(struct reader *reader)
{
	if (++reader->depth > JSON_DEPTH_MOST)
		return fail_at(
			reader, reader->at, "nested more than %d levels deep", JSON_DEPTH_MOST);
	return 0;
}

/* Before a key: the quote is at hand afterwards, or the closing brace (then *CLOSED). */
static int read_separator(struct reader *reader, char closing, bool first, bool *closed)
{
	if (skip_space(reader) < 0)
		return -1;
	*closed = peek(reader) == closing && !at_end(reader);
	if (*closed) {
		reader->at++;
		return 0;
	}
	if (first)
		return 0;
	if (peek(reader) != ',')
		return unexpected(reader, closing == '}' ? "',' or '}'" : "',' or ']'");
	size_t comma = reader->at++;
	if (skip_space(reader) < 0)
		return -1;
	if (peek(reader) == closing)
		return fail_at(reader, comma, "a comma before the closing '%c'", closing);
	return 0;
}

static int read_key(struct reader *reader)
{
	if (peek(reader) != '"')
		return unexpected(reader, "a key in double quotes");
	if (read_string(reader) < 0 || skip_space(reader) < 0)
		return -1;
	if (peek(reader) != ':')
		return unexpected(reader, "':'");
	reader->at++;
	return skip_space(reader);
}

static void remember_place(struct json_object *container, size_t offset)
{
	json_object_set_userdata(container, (void *)(uintptr_t)offset, NULL);
}

static int read_object(struct reader *reader, struct json_object *object)
{
	bool closed;

	remember_place(object, reader->at);
	if (enter(reader) < 0)
		return -1;
	reader->at++;
	for (bool first = true;; first = false) {
		if (read_separator(reader, '}', first, &closed) < 0)
			return -1;
		if (closed)
			break;
		size_t place = reader->at;
		if (read_key(reader) < 0)
			return -1;
		bool known = json_object_object_get_ex(object, reader->buffer.data, NULL);
		if (known && !(reader->flags & JSON_LAST_KEY_WINS))
			return fail_at(reader, place, "duplicate key \"%s\"", reader->buffer.data);
		autofree char *key = text_take(&reader->buffer);
		struct json_object *value = NULL;
		int result = read_value(reader, &value);
		json_object_object_add_ex(
			object, key, value, known ? 0 : JSON_C_OBJECT_ADD_KEY_IS_NEW);
		if (result < 0)
			return -1;
	}
	reader->depth--;
	return 0;
}

static int read_list(struct reader *reader, struct json_object *list)
{
	bool closed;

	remember_place(list, reader->at);
	if (enter(reader) < 0)
		return -1;
	reader->at++;
	for (bool first = true;; first = false) {
		if (read_separator(reader, ']', first, &closed) < 0)
			return -1;
		if (closed)
			break;
		struct json_object *value = NULL;
		int result = read_value(reader, &value);
		json_object_array_add(list, value);
		if (result < 0)
			return -1;
	}
	reader->depth--;
	return 0;
}

/* *VALUE is set also when the reading fails half-way: the caller frees. */
static int read_value(struct reader *reader, struct json_object **value)
{
	switch (peek(reader)) {
	case '{':
		*value = json_object_new_object();
		return read_object(reader, *value);
	case '[':
		*value = json_object_new_array();
		return read_list(reader, *value);
	case '"':
		if (read_string(reader) < 0)
			return -1;
		*value = json_object_new_string_len(reader->buffer.data, reader->buffer.size);
		return 0;
	case 't':
		*value = json_object_new_boolean(1);
		return read_word(reader, "true");
	case 'f':
		*value = json_object_new_boolean(0);
		return read_word(reader, "false");
	case 'n':
		return read_word(reader, "null");
	default:
		if (peek(reader) == '-' || is_digit(peek(reader)))
			return read_number(reader, value);
		return unexpected(reader, "a value");
	}
}

static int parse(struct reader *reader, struct json_object **root)
{
	if (skip_space(reader) < 0 || read_value(reader, root) < 0)
		return -1;
	if (reader->flags & JSON_FIRST_VALUE)
		return 0;
	if (skip_space(reader) < 0)
		return -1;
	if (!at_end(reader))
		return unexpected(reader, "the end of the text");
	return 0;
}

static int parse_kind(const struct json_source *source, unsigned flags, enum error_kind kind,
	struct json **root, struct error *err)
{
	struct reader reader = {.source = source, .flags = flags, .err = err, .kind = kind};
	struct json_object *tree = NULL;
	int result = parse(&reader, &tree);

	text_clear(&reader.buffer);
	if (result < 0) {
		json_object_put(tree);
		return -1;
	}
	*root = (struct json *)tree;
	return 0;
}

int json_parse(
	const struct json_source *source, unsigned flags, struct json **root, struct error *err)
{
	return parse_kind(source, flags, ERROR_CATALOG, root, err);
}

int json_parse_bytes(const char *text, size_t size, struct json **root, struct error *err)
{
	struct json_source source = {.text = text, .size = size};

	return parse_kind(&source, JSON_STRICT, ERROR_BROKEN, root, err);
}

/* ---- places: the document is read again from the container on; it parsed once, so it parses ---- */

static size_t offset_of(const struct json *container)
{
	return (uintptr_t)json_object_get_userdata((struct json_object *)(uintptr_t)container);
}

struct json_place json_place(const struct json_source *source, const struct json *container)
{
	return place_of(source, offset_of(container));
}

static int skip_value(struct reader *reader)
{
	struct json_object *value = NULL;
	int result = read_value(reader, &value);

	json_object_put(value);
	return result;
}

/* The offset of a member: of its key or of its value; of the container when there is none. */
static size_t find_member(
	const struct json_source *source, const struct json *object, const char *key, bool of_key)
{
	struct error ignored;
	struct reader reader = {.source = source,
		.flags = JSON_COMMENTS | JSON_REPAIR_UTF8,
		.at = offset_of(object),
		.err = &ignored};
	size_t found = reader.at;
	bool closed;

	reader.at++;
	for (bool first = true;; first = false) {
		if (read_separator(&reader, '}', first, &closed) < 0 || closed)
			break;
		size_t place = reader.at;
		if (read_key(&reader) < 0)
			break;
		if (strcmp(reader.buffer.data, key) == 0) {
			found = of_key ? place : reader.at;
			break;
		}
		if (skip_value(&reader) < 0)
			break;
	}
	text_clear(&reader.buffer);
	return found;
}

struct json_place json_place_key(
	const struct json_source *source, const struct json *object, const char *key)
{
	return place_of(source, find_member(source, object, key, true));
}

struct json_place json_place_value(
	const struct json_source *source, const struct json *object, const char *key)
{
	return place_of(source, find_member(source, object, key, false));
}

struct json_place json_place_item(
	const struct json_source *source, const struct json *list, size_t index)
{
	struct error ignored;
	struct reader reader = {.source = source,
		.flags = JSON_COMMENTS | JSON_REPAIR_UTF8,
		.at = offset_of(list),
		.err = &ignored};
	size_t found = reader.at;
	bool closed;

	reader.at++;
	for (size_t i = 0; i <= index; i++) {
		if (read_separator(&reader, ']', i == 0, &closed) < 0 || closed)
			break;
		found = reader.at;
		if (skip_value(&reader) < 0)
			break;
	}
	text_clear(&reader.buffer);
	return place_of(source, found);
}
