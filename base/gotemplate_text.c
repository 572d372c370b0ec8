/* SPDX-License-Identifier: Apache-2.0 */
/* Packer's functions that only work on text. Source: Packer 1.6.6 template/interpolate/funcs.go. */
#include "base/gotemplate.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "base/cleanup.h"
#include "base/memory.h"

enum { LATE_ROUNDS_MOST = 100 };

/* By Unicode's simple mappings, as Go does it, whatever the locale of the process. */
static void change_case(const char *text, wint_t (*change)(wint_t, locale_t), struct text *result)
{
	static locale_t unicode;
	size_t left = strlen(text), length;

	if (!unicode)
		unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	for (; left; text += length, left -= length) {
		unsigned rune = text_read_rune(text, left, &length);
		text_add_rune(result, unicode ? change(rune, unicode) : rune);
	}
}

static int do_upper(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	(void)context, (void)count, (void)err;
	change_case(gotemplate_text(a, 0), towupper_l, result);
	return 0;
}

static int do_lower(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	(void)context, (void)count, (void)err;
	change_case(gotemplate_text(a, 0), towlower_l, result);
	return 0;
}

/* Go's strings.Replace: MOST < 0 for all; an empty OLD matches before every rune and at the end. */
static int replace(const char *old, const char *new, long long most, const char *text,
	struct text *result, struct error *err)
{
	size_t old_size = strlen(old), left = strlen(text), length;

	while (most != 0) {
		if (result->size > GOTEMPLATE_OUTPUT_MOST)
			return fail(err, ERROR_CATALOG, "the result is larger than %d bytes",
				GOTEMPLATE_OUTPUT_MOST);
		if (old_size) {
			const char *hit = strstr(text, old);
			if (!hit)
				break;
			text_add_bytes(result, text, hit - text);
			text_add(result, new);
			left -= hit + old_size - text;
			text = hit + old_size;
		} else {
			text_add(result, new);
			if (!left)
				return 0;
			text_read_rune(text, left, &length);
			text_add_bytes(result, text, length);
			text += length;
			left -= length;
		}
		most--;
	}
	text_add(result, text);
	return 0;
}

static int do_replace(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	(void)context, (void)count;
	return replace(gotemplate_text(a, 0), gotemplate_text(a, 1), gotemplate_integer(a, 2),
		gotemplate_text(a, 3), result, err);
}

static int do_replace_all(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	(void)context, (void)count;
	return replace(gotemplate_text(a, 0), gotemplate_text(a, 1), -1, gotemplate_text(a, 2),
		result, err);
}

/* How long the piece is that TEXT begins with; *NEXT is behind the separator, NULL if it is the last. */
static size_t split_piece(const char *text, const char *separator, const char **next)
{
	size_t length = 0;

	if (*separator) {
		const char *hit = strstr(text, separator);
		*next = hit ? hit + strlen(separator) : NULL;
		return hit ? (size_t)(hit - text) : strlen(text);
	}
	/* one character a piece where the separator is empty, as Go splits */
	text_read_rune(text, strnlen(text, 4), &length);
	*next = text[length] ? text + length : NULL;
	return length;
}

static int do_split(void *context, const struct gotemplate_value *a, size_t count,
	struct text *result, struct error *err)
{
	const char *text = gotemplate_text(a, 0), *separator = gotemplate_text(a, 1);
	long long wanted = gotemplate_integer(a, 2), pieces = 0;

	(void)context, (void)count;
	for (const char *next = *text || *separator ? text : NULL; next; pieces++) {
		const char *piece = next;
		size_t length = split_piece(piece, separator, &next);
		if (pieces == wanted) {
			text_add_bytes(result, piece, length);
			return 0;
		}
	}
	return fail(err, ERROR_CATALOG, "there is no piece %lld: '%s' gives %lld", wanted,
		separator, pieces);
}

static const struct gotemplate_function functions[] = {
	{"upper", "s", do_upper, false},
	{"lower", "s", do_lower, false},
	{"replace", "ssis", do_replace, false},
	{"replace_all", "sss", do_replace_all, false},
	{"split", "ssi", do_split, false},
};

const struct gotemplate_function *gotemplate_find_text_function(const char *name)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (strcmp(functions[i].name, name) == 0)
			return &functions[i];
	return NULL;
}

static const struct gotemplate_function *find_function(void *context, const char *name)
{
	(void)context;
	return gotemplate_find_text_function(name);
}

int gotemplate_render_late(const char *template, const struct json *data, bool strict,
	struct text *out, struct error *err)
{
	struct gotemplate_options options = {
		.find = find_function, .data = data, .strict_fields = strict};
	autofree char *now = memory_copy_text(template);

	for (int round = 0; round < LATE_ROUNDS_MOST; round++) {
		CLEANUP(text_clear) struct text next = {0};
		if (gotemplate_render(now, &options, &next, err) < 0)
			return -1;
		bool same = strcmp(text_get(&next), now) == 0;
		free(now);
		now = text_take(&next);
		if (same)
			break;
	}
	text_add(out, now);
	return 0;
}
