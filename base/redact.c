/* SPDX-License-Identifier: Apache-2.0 */
#include "base/redact.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/memory.h"

enum { PIECE_LEAST = 4 };

void redactor_add(struct redactor *redactor, const char *value, const char *shown)
{
	if (!*value)
		return;
	for (size_t i = 0; i < redactor->count; i++)
		if (strcmp(redactor->items[i].value, value) == 0)
			return;
	MEMORY_GROW(redactor->items, redactor->count, redactor->room);
	size_t at = redactor->count++;
	while (at && strlen(redactor->items[at - 1].value) < strlen(value)) {
		redactor->items[at] = redactor->items[at - 1];
		at--;
	}
	redactor->items[at] = (struct redaction){memory_copy_text(value), memory_copy_text(shown)};
}

void redactor_clear(struct redactor *redactor)
{
	for (size_t i = 0; i < redactor->count; i++) {
		free(redactor->items[i].value);
		free(redactor->items[i].shown);
	}
	free(redactor->items);
	*redactor = (struct redactor){0};
}

void redactor_apply(
	const struct redactor *redactor, const char *bytes, size_t size, struct text *out)
{
	for (size_t at = 0; at < size;) {
		const struct redaction *hit = NULL;
		for (size_t i = 0; i < redactor->count && !hit; i++) {
			size_t length = strlen(redactor->items[i].value);
			if (length <= size - at &&
				memcmp(bytes + at, redactor->items[i].value, length) == 0)
				hit = &redactor->items[i];
		}
		if (hit) {
			text_add(out, hit->shown);
			at += strlen(hit->value);
		} else {
			text_add_char(out, bytes[at++]);
		}
	}
}

bool redactor_finds(const struct redactor *redactor, const char *text)
{
	for (size_t i = 0; i < redactor->count; i++)
		if (strstr(text, redactor->items[i].value))
			return true;
	return false;
}

size_t redactor_longest(const struct redactor *redactor)
{
	return redactor->count ? strlen(redactor->items[0].value) : 0;
}

/* ---- the forms of a secret ---- */

static void add_form(struct redactor *redactor, const struct text *form, const char *shown)
{
	if (form->size >= PIECE_LEAST)
		redactor_add(redactor, form->data, shown);
}

static void add_json_form(struct redactor *redactor, const char *value, const char *shown)
{
	CLEANUP(text_clear) struct text form = {0};
	autojson struct json *json = json_new_text(value);

	json_write(json, JSON_LINE, &form);
	/* without the quotes */
	form.data[--form.size] = '\0';
	memmove(form.data, form.data + 1, form.size--);
	add_form(redactor, &form, shown);
}

/* A quote inside of quotes: as Packer writes it, and as bash shows it (set -x). */
static void add_shell_forms(struct redactor *redactor, const char *value, const char *shown)
{
	static const char *const quotes[] = {"'\"'\"'", "'\\''"};

	for (size_t i = 0; i < sizeof(quotes) / sizeof(*quotes); i++) {
		CLEANUP(text_clear) struct text form = {0};
		for (const char *c = value; *c; c++) {
			if (*c == '\'')
				text_add(&form, quotes[i]);
			else
				text_add_char(&form, *c);
		}
		add_form(redactor, &form, shown);
	}
}

static void add_url_forms(struct redactor *redactor, const char *value, const char *shown)
{
	CLEANUP(text_clear) struct text upper = {0}, lower = {0}, plus = {0};

	for (; *value; value++) {
		unsigned char c = *value;
		if (isalnum(c) || strchr("-_.~", c)) {
			text_add_char(&upper, c);
			text_add_char(&lower, c);
			text_add_char(&plus, c);
		} else {
			text_addf(&upper, "%%%02X", c);
			text_addf(&lower, "%%%02x", c);
			if (c == ' ')
				text_add_char(&plus, '+');
			else
				text_addf(&plus, "%%%02X", c);
		}
	}
	add_form(redactor, &upper, shown);
	add_form(redactor, &lower, shown);
	add_form(redactor, &plus, shown);
}

/*
 * Base64 looks different depending on how many bytes stand before the value: three cases. In each, the digits that
 * hold bits of the value alone are what can be looked for.
 */
static void add_base64_forms(struct redactor *redactor, const char *value, const char *shown)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t size = strlen(value);

	for (size_t before = 0; before < 3; before++) {
		CLEANUP(text_clear) struct text form = {0}, url = {0};
		size_t first_bit = before * 8, last_bit = (before + size) * 8;
		size_t digit = (first_bit + 5) / 6; /* the first that begins inside the value */
		for (; (digit + 1) * 6 <= last_bit; digit++) {
			unsigned bits = 0;
			for (size_t b = digit * 6; b < digit * 6 + 6; b++) {
				unsigned char byte = value[b / 8 - before];
				bits = bits << 1 | (byte >> (7 - b % 8) & 1);
			}
			char c = digits[bits];
			text_add_char(&form, c);
			text_add_char(&url, c == '+' ? '-' : c == '/' ? '_' : c);
		}
		add_form(redactor, &form, shown);
		add_form(redactor, &url, shown);
	}
}

void redactor_add_secret(struct redactor *redactor, const char *value, const char *shown)
{
	CLEANUP(strings_clear) struct strings lines = {0};

	if (strlen(value) < PIECE_LEAST)
		return;
	redactor_add(redactor, value, shown);
	strings_split(&lines, value, '\n');
	for (size_t i = 0; lines.count > 1 && i < lines.count; i++)
		if (strlen(lines.items[i]) >= PIECE_LEAST)
			redactor_add(redactor, lines.items[i], shown);
	add_json_form(redactor, value, shown);
	add_shell_forms(redactor, value, shown);
	add_url_forms(redactor, value, shown);
	add_base64_forms(redactor, value, shown);
}
