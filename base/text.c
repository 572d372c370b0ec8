/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

#define RUNE_ERROR 0xFFFDu

void text_clear(struct text *text)
{
	free(text->data);
	*text = (struct text){0};
}

void text_reset(struct text *text)
{
	text->size = 0;
	if (text->data)
		text->data[0] = '\0';
}

static void reserve(struct text *text, size_t more)
{
	size_t needed = text->size + more + 1;

	if (needed <= text->room)
		return;
	size_t room = text->room ? text->room : 64;
	while (room < needed)
		room *= 2;
	text->data = memory_resize(text->data, room, 1);
	text->room = room;
}

void text_add_bytes(struct text *text, const void *bytes, size_t size)
{
	reserve(text, size);
	if (size)
		memcpy(text->data + text->size, bytes, size);
	text->size += size;
	text->data[text->size] = '\0';
}

void text_add(struct text *text, const char *addition)
{
	text_add_bytes(text, addition, strlen(addition));
}

void text_add_char(struct text *text, char c)
{
	text_add_bytes(text, &c, 1);
}

void text_addv(struct text *text, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int size = vsnprintf(NULL, 0, format, args);
	if (size > 0) {
		reserve(text, size);
		vsnprintf(text->data + text->size, size + 1, format, again);
		text->size += size;
	} else {
		text_add_bytes(text, "", 0);
	}
	va_end(again);
}

void text_addf(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_addv(text, format, args);
	va_end(args);
}

char *text_take(struct text *text)
{
	char *data = text->data ? text->data : memory_copy_text("");

	*text = (struct text){0};
	return data;
}

const char *text_get(const struct text *text)
{
	return text->data ? text->data : "";
}

void text_add_rune(struct text *text, unsigned rune)
{
	char bytes[4];
	size_t size;

	if (rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF))
		rune = RUNE_ERROR;
	if (rune < 0x80) {
		bytes[0] = rune;
		size = 1;
	} else if (rune < 0x800) {
		bytes[0] = 0xC0 | rune >> 6;
		bytes[1] = 0x80 | (rune & 0x3F);
		size = 2;
	} else if (rune < 0x10000) {
		bytes[0] = 0xE0 | rune >> 12;
		bytes[1] = 0x80 | (rune >> 6 & 0x3F);
		bytes[2] = 0x80 | (rune & 0x3F);
		size = 3;
	} else {
		bytes[0] = 0xF0 | rune >> 18;
		bytes[1] = 0x80 | (rune >> 12 & 0x3F);
		bytes[2] = 0x80 | (rune >> 6 & 0x3F);
		bytes[3] = 0x80 | (rune & 0x3F);
		size = 4;
	}
	text_add_bytes(text, bytes, size);
}

unsigned text_read_rune(const char *bytes, size_t size, size_t *length)
{
	const unsigned char *b = (const unsigned char *)bytes;
	unsigned rune, smallest;
	size_t needed;

	*length = 1;
	if (b[0] < 0x80)
		return b[0];
	if (b[0] >= 0xC2 && b[0] <= 0xDF) {
		needed = 2;
		rune = b[0] & 0x1F;
		smallest = 0x80;
	} else if (b[0] >= 0xE0 && b[0] <= 0xEF) {
		needed = 3;
		rune = b[0] & 0x0F;
		smallest = 0x800;
	} else if (b[0] >= 0xF0 && b[0] <= 0xF4) {
		needed = 4;
		rune = b[0] & 0x07;
		smallest = 0x10000;
	} else {
		return RUNE_ERROR;
	}
	if (size < needed)
		return RUNE_ERROR;
	for (size_t i = 1; i < needed; i++) {
		if ((b[i] & 0xC0) != 0x80)
			return RUNE_ERROR;
		rune = rune << 6 | (b[i] & 0x3F);
	}
	if (rune < smallest || rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF))
		return RUNE_ERROR;
	*length = needed;
	return rune;
}

/* How many bytes from the start are plain ASCII: the common case, eight at a time. */
static size_t ascii_prefix(const char *bytes, size_t size)
{
	size_t at = 0;

	while (at + 8 <= size) {
		unsigned long long word;
		memcpy(&word, bytes + at, 8);
		if (word & 0x8080808080808080ull)
			break;
		at += 8;
	}
	while (at < size && !(bytes[at] & 0x80))
		at++;
	return at;
}

bool text_is_utf8(const char *bytes, size_t size)
{
	size_t at = 0, length;

	while ((at += ascii_prefix(bytes + at, size - at)) < size) {
		if (text_read_rune(bytes + at, size - at, &length) == RUNE_ERROR && length == 1)
			return false;
		at += length;
	}
	return true;
}

void text_add_utf8(struct text *text, const char *bytes, size_t size)
{
	size_t at = 0, length;

	for (;;) {
		size_t plain = ascii_prefix(bytes + at, size - at);
		text_add_bytes(text, bytes + at, plain);
		at += plain;
		if (at >= size)
			return;
		text_add_rune(text, text_read_rune(bytes + at, size - at, &length));
		at += length;
	}
}

static const char escape_bytes[] = "\a\b\t\n\v\f\r\\";
static const char escape_letters[] = "abtnvfr\\";

/* Most bytes are none of these, and a closure has a great many. */
static bool is_plain(unsigned char c, const char *also)
{
	if (c < 0x20 || c == '\\' || c == 0x7F)
		return false;
	return !also || !strchr(also, c);
}

static void add_escape(struct text *text, unsigned char c)
{
	const char *letter = c ? strchr(escape_bytes, c) : NULL;

	if (!letter) {
		text_addf(text, "\\%03o", c);
		return;
	}
	text_add_char(text, '\\');
	text_add_char(text, escape_letters[letter - escape_bytes]);
}

void text_add_c_escaped(struct text *text, const char *bytes, size_t size, const char *also)
{
	/* one byte more than everything printable is the usual case: told without a search */
	const char one = also && also[0] && !also[1] ? also[0] : '\0';
	const char *several = one ? NULL : also;

	for (size_t at = 0; at < size;) {
		size_t run = at;
		while (run < size && (!one || bytes[run] != one) && is_plain(bytes[run], several))
			run++;
		text_add_bytes(text, bytes + at, run - at);
		at = run;
		if (at < size)
			add_escape(text, bytes[at++]);
	}
}

int text_add_c_unescaped(struct text *text, const char *escaped, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (escaped[i] != '\\') {
			text_add_char(text, escaped[i]);
			continue;
		}
		if (++i >= size)
			return -1;
		const char *letter = escaped[i] ? strchr(escape_letters, escaped[i]) : NULL;
		if (letter) {
			text_add_char(text, escape_bytes[letter - escape_letters]);
			continue;
		}
		unsigned value = 0;
		for (int digit = 0; digit < 3; digit++, i++) {
			if (i >= size || escaped[i] < '0' || escaped[i] > '7')
				return -1;
			value = value * 8 + (escaped[i] - '0');
		}
		i--;
		if (value > 255)
			return -1;
		text_add_char(text, value);
	}
	return 0;
}

bool text_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *text, const char *suffix)
{
	size_t size = strlen(text), wanted = strlen(suffix);

	return size >= wanted && memcmp(text + size - wanted, suffix, wanted) == 0;
}

bool text_equal_case(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

char *text_replace(const char *bytes, size_t size, const char *old, const char *replacement,
	size_t *result_size)
{
	struct text result = {0};
	size_t old_size = strlen(old);
	const char *end = bytes + size;

	for (const char *hit; (hit = memmem(bytes, end - bytes, old, old_size));) {
		text_add_bytes(&result, bytes, hit - bytes);
		text_add(&result, replacement);
		bytes = hit + old_size;
	}
	text_add_bytes(&result, bytes, end - bytes);
	if (result_size)
		*result_size = result.size;
	return text_take(&result);
}
