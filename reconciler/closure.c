/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/closure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"

/* ---- putting it together ---- */

void closure_clear(struct closure *closure)
{
	strings_clear(&closure->lines);
}

static void add_line(
	struct closure *closure, const char *kind, const char *key, const char *value, size_t size)
{
	struct text line = {0};

	text_addf(&line, "%s ", kind);
	text_add_c_escaped(&line, key, strlen(key), " ");
	if (value) {
		text_add_char(&line, ' ');
		if (closure->masks && closure->masks->count) {
			CLEANUP(text_clear) struct text masked = {0};
			redactor_apply(closure->masks, value, size, &masked);
			text_add_c_escaped(&line, text_get(&masked), masked.size, " ");
		} else {
			text_add_c_escaped(&line, value, size, " ");
		}
	}
	strings_add_taken(&closure->lines, text_take(&line));
}

char *closure_line_start(const char *kind, const char *key, bool whole)
{
	struct text line = {0};

	text_addf(&line, "%s ", kind);
	text_add_c_escaped(&line, key, strlen(key), " ");
	if (whole)
		text_add_char(&line, ' ');
	return text_take(&line);
}

void closure_add(struct closure *closure, const char *kind, const char *key, const char *value)
{
	add_line(closure, kind, key, value, value ? strlen(value) : 0);
}

static void add_value(struct closure *closure, const char *key, const struct json *value)
{
	CLEANUP(text_clear) struct text text = {0};
	struct text inner = {0};

	switch (json_kind(value)) {
	case JSON_TEXT:
		add_line(closure, "option", key, json_text(value, ""), json_text_size(value));
		return;
	case JSON_LIST:
		for (size_t i = 0; i < json_count(value); i++) {
			text_reset(&inner);
			text_addf(&inner, "%s.%03zu", key, i);
			add_value(closure, text_get(&inner), json_item(value, i));
		}
		text_clear(&inner);
		return;
	case JSON_OBJECT:
		json_each_member (member, value) {
			/* a dot inside a key must not look like a level */
			text_reset(&inner);
			text_addf(&inner, "%s.", key);
			text_add_c_escaped(&inner, member.key, strlen(member.key), ".");
			add_value(closure, text_get(&inner), member.value);
		}
		text_clear(&inner);
		return;
	default:
		json_write(value, JSON_LINE, &text);
		add_line(closure, "option", key, text_get(&text), text.size);
	}
}

void closure_add_options(struct closure *closure, const char *prefix, const struct json *options)
{
	json_each_member (member, options) {
		autofree char *key = memory_printf("%s.%s", prefix, member.key);
		add_value(closure, key, member.value);
	}
}

static void join_sorted(struct closure *closure, struct text *text)
{
	strings_sort(&closure->lines);
	strings_unique(&closure->lines);
	strings_each (line, &closure->lines) {
		text_add(text, line);
		text_add_char(text, '\n');
	}
}

char *closure_text(struct closure *closure, struct digest *digest)
{
	struct text text = {0};

	text_add(&text, CLOSURE_FIRST_LINE "\n");
	join_sorted(closure, &text);
	digest_of(text.data, text.size, digest);
	return text_take(&text);
}

void closure_digest(struct closure *closure, struct digest *digest)
{
	CLEANUP(text_clear) struct text text = {0};

	join_sorted(closure, &text);
	digest_of(text_get(&text), text.size, digest);
}

/* ---- taking it apart ---- */

/* One line's three fields, still escaped; VALUE is NULL where there is none. */
struct fields {
	const char *kind, *key, *value;
	size_t kind_size, key_size, value_size;
};

static struct fields split(const char *line, size_t size)
{
	struct fields f = {.kind = line};
	const char *end = line + size;
	const char *space = memchr(line, ' ', size);

	f.kind_size = space ? (size_t)(space - line) : size;
	f.key = space ? space + 1 : end;
	space = memchr(f.key, ' ', end - f.key);
	f.key_size = (space ? space : end) - f.key;
	f.value = space ? space + 1 : NULL;
	f.value_size = space ? (size_t)(end - f.value) : 0;
	return f;
}

/* The line at *AT behind the first; false at the end. */
static bool next_line(const char **at, const char **line, size_t *size)
{
	if (!**at)
		return false;
	*line = *at;
	*size = strcspn(*at, "\n");
	*at += *size + ((*at)[*size] == '\n');
	return true;
}

static const char *skip_first(const char *text)
{
	const char *line;
	size_t size;

	next_line(&text, &line, &size);
	return text;
}

static char *unescape(const char *escaped, size_t size)
{
	struct text text = {0};

	if (text_add_c_unescaped(&text, escaped, size) < 0 ||
		!text_is_utf8(text_get(&text), text.size)) {
		text_reset(&text);
		text_add_bytes(&text, escaped, size);
	}
	return text_take(&text);
}

struct json *closure_to_json(const char *text)
{
	struct json *list = json_new_list();
	const char *at = skip_first(text), *line;
	size_t size;

	while (next_line(&at, &line, &size)) {
		struct fields f = split(line, size);
		struct json *object = json_new_object();
		autofree char *kind = memory_copy_bytes(f.kind, f.kind_size);
		autofree char *key = unescape(f.key, f.key_size);
		autofree char *value = f.value ? unescape(f.value, f.value_size) : NULL;
		json_set_text(object, "kind", kind);
		json_set_text(object, "key", key);
		json_set_text(object, "value", value);
		json_add(list, object);
	}
	return list;
}

void closure_list(const char *text, const char *kind, struct strings *keys)
{
	const char *at = skip_first(text), *line;
	size_t size;

	while (next_line(&at, &line, &size)) {
		struct fields f = split(line, size);
		if (strlen(kind) == f.kind_size && memcmp(kind, f.kind, f.kind_size) == 0)
			strings_add_taken(keys, unescape(f.key, f.key_size));
	}
}

/* ---- comparing two ---- */

static int compare_keys(struct fields a, struct fields b)
{
	size_t a_size = a.key + a.key_size - a.kind, b_size = b.key + b.key_size - b.kind;
	size_t size = a_size < b_size ? a_size : b_size;
	int order = memcmp(a.kind, b.kind, size);

	return order ? order : (a_size > b_size) - (a_size < b_size);
}

static char *shorten(char *text)
{
	enum { SHOWN = 60 };
	size_t size = strlen(text);

	if (size > SHOWN) {
		size_t cut = SHOWN - 3;
		while (cut && (text[cut] & 0xC0) == 0x80)
			cut--;
		strcpy(text + cut, "...");
	}
	return text;
}

/* "100755+<64 digits>" as people want to see it. */
static void describe_file(
	const char *key, const char *old, const char *new, struct reasons *reasons)
{
	bool mode_only = old && new &&strchr(old, '+') && strchr(new, '+') &&
	                 strcmp(strchr(old, '+'), strchr(new, '+')) == 0;

	if (!old)
		reasons_add(
			reasons, REASON_FILE, key, NULL, new, "%s is new among the inputs", key);
	else if (!new)
		reasons_add(reasons, REASON_FILE, key, old, NULL, "%s is no longer an input", key);
	else if (mode_only)
		reasons_add(reasons, REASON_FILE, key, old, new,
			"%s has another mode: %.6s, was %.6s", key, new, old);
	else
		reasons_add(reasons, REASON_FILE, key, old, new, "%s changed", key);
}

/* The first words of an option's key as a person calls the part: "provisioner 3". */
static void describe_option(const char *template, const char *key, const char *old, const char *new,
	struct reasons *reasons)
{
	autofree char *shown_old = old ? shorten(memory_copy_text(old)) : NULL;
	autofree char *shown_new = new ? shorten(memory_copy_text(new)) : NULL;
	bool variable = text_starts_with(key, "variable.");
	enum reason_kind kind = variable ? REASON_VARIABLE : REASON_TEMPLATE;

	if (!old)
		reasons_add(reasons, kind, template, NULL, new, "%s: %s is new: %s", template, key,
			shown_new);
	else if (!new)
		reasons_add(reasons, kind, template, old, NULL, "%s: %s is gone (was %s)", template,
			key, shown_old);
	else
		reasons_add(reasons, kind, template, old, new, "%s: %s is %s, was %s", template,
			key, shown_new, shown_old);
}

static void describe(const char *template, struct fields f, const char *old_raw, size_t old_size,
	const char *new_raw, size_t new_size, struct reasons *reasons)
{
	autofree char *kind = memory_copy_bytes(f.kind, f.kind_size);
	autofree char *key = unescape(f.key, f.key_size);
	autofree char *old = old_raw ? unescape(old_raw, old_size) : NULL;
	autofree char *new = new_raw ? unescape(new_raw, new_size) : NULL;

	if (strcmp(kind, "file") == 0)
		describe_file(key, old, new, reasons);
	else if (strcmp(kind, "absent") == 0)
		reasons_add(reasons, REASON_ABSENT, key, old, new,
			old ? "%s was looked for and absent; it no longer is"
			    : "%s is looked for and absent now",
			key);
	else if (strcmp(kind, "base") == 0)
		reasons_add(reasons, REASON_BASE, NULL, old, new, "the base %s is another one now",
			key);
	else if (strcmp(kind, "backend") == 0)
		reasons_add(reasons, REASON_BACKEND, NULL, old, new,
			"the backend %s is version %s, was %s", key, new ? new : "none",
			old ? old : "none");
	else if (strcmp(kind, "secret") == 0)
		reasons_add(reasons, REASON_VARIABLE, NULL, old, new,
			"the secret %s has another version", key);
	else if (strcmp(kind, "option") == 0)
		describe_option(template, key, old, new, reasons);
	else
		reasons_add(reasons, REASON_TEMPLATE, template, old, new, "%s %s %s", kind, key,
			!old   ? "is new"
			: !new ? "is gone"
			       : "changed");
}

void closure_compare(
	const char *old, const char *new, const char *template, struct reasons *reasons)
{
	const char *old_line = NULL, *new_line = NULL;
	size_t old_size = 0, new_size = 0;
	const char *old_at = skip_first(old), *new_at = skip_first(new);
	bool have_old = next_line(&old_at, &old_line, &old_size);
	bool have_new = next_line(&new_at, &new_line, &new_size);

	while (have_old || have_new) {
		struct fields a = {0}, b = {0};
		int order;
		if (have_old)
			a = split(old_line, old_size);
		if (have_new)
			b = split(new_line, new_size);
		order = !have_old ? 1 : !have_new ? -1 : compare_keys(a, b);
		bool same = order == 0 && a.value_size == b.value_size &&
		            (!a.value_size || memcmp(a.value, b.value, a.value_size) == 0);
		/* a line without a value stands for itself: its value is "" where it is */
		if (!same)
			describe(template, order <= 0 ? a : b,
				order <= 0 ? (a.value ? a.value : "") : NULL, a.value_size,
				order >= 0 ? (b.value ? b.value : "") : NULL, b.value_size,
				reasons);
		if (order <= 0)
			have_old = next_line(&old_at, &old_line, &old_size);
		if (order >= 0)
			have_new = next_line(&new_at, &new_line, &new_size);
	}
}
