/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/reason.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static const char *const names[REASON_COUNT] = {
	[REASON_NONE] = "none",
	[REASON_NEW] = "new",
	[REASON_FILE] = "file",
	[REASON_TEMPLATE] = "template",
	[REASON_VARIABLE] = "variable",
	[REASON_BASE] = "base",
	[REASON_BACKEND] = "backend",
	[REASON_AGE] = "age",
	[REASON_FORCED] = "forced",
	[REASON_ABSENT] = "absent",
	[REASON_REVERTED] = "reverted",
	[REASON_INVALID] = "invalid",
	[REASON_UNSUPPORTED] = "unsupported",
	[REASON_NOT_ALLOWED] = "not-allowed",
	[REASON_OUTSIDE] = "outside",
	[REASON_MISSING] = "missing",
	[REASON_SUBMODULE] = "submodule",
	[REASON_LFS] = "lfs",
	[REASON_CONFLICT] = "conflict",
	[REASON_CYCLE] = "cycle",
	[REASON_FAILED] = "failed",
	[REASON_UNSIGNED] = "unsigned",
};

const char *reason_kind_name(enum reason_kind kind)
{
	return names[kind];
}

enum reason_kind reason_kind_find(const char *name)
{
	enum reason_kind kind = REASON_COUNT;

	while (--kind > REASON_NONE && strcmp(names[kind], name) != 0)
		;
	return kind;
}

void reasons_clear(struct reasons *reasons)
{
	for (size_t i = 0; i < reasons->count; i++) {
		struct reason *reason = &reasons->items[i];
		free(reason->path);
		free(reason->old);
		free(reason->new);
		free(reason->text);
	}
	free(reasons->items);
	*reasons = (struct reasons){0};
}

static char *copy(const char *text)
{
	return text ? memory_copy_text(text) : NULL;
}

void reasons_add(struct reasons *reasons, enum reason_kind kind, const char *path, const char *old,
	const char *new, const char *format, ...)
{
	struct text text = {0};
	va_list args;

	va_start(args, format);
	text_addv(&text, format, args);
	va_end(args);
	MEMORY_GROW(reasons->items, reasons->count, reasons->room);
	reasons->items[reasons->count++] =
		(struct reason){kind, copy(path), copy(old), copy(new), text_take(&text)};
}

void reasons_add_all(struct reasons *reasons, const struct reasons *others)
{
	for (size_t i = 0; i < others->count; i++) {
		const struct reason *r = &others->items[i];
		reasons_add(reasons, r->kind, r->path, r->old, r->new, "%s", r->text);
	}
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool reasons_equal(const struct reasons *a, const struct reasons *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->items[i].kind != b->items[i].kind ||
			!same(a->items[i].path, b->items[i].path) ||
			!same(a->items[i].text, b->items[i].text))
			return false;
	return true;
}

struct json *reasons_to_json(const struct reasons *reasons)
{
	struct json *list = json_new_list();

	for (size_t i = 0; i < reasons->count; i++) {
		const struct reason *r = &reasons->items[i];
		struct json *object = json_new_object();
		json_set_text(object, "kind", reason_kind_name(r->kind));
		json_set_text(object, "path", r->path);
		json_set_text(object, "old", r->old);
		json_set_text(object, "new", r->new);
		json_set_text(object, "text", r->text);
		json_add(list, object);
	}
	return list;
}

void reasons_from_json(const struct json *list, struct reasons *reasons)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *r = json_item(list, i);
		enum reason_kind kind = reason_kind_find(json_get_text(r, "kind", ""));
		if (kind != REASON_NONE)
			reasons_add(reasons, kind, json_get_text(r, "path", NULL),
				json_get_text(r, "old", NULL), json_get_text(r, "new", NULL), "%s",
				json_get_text(r, "text", ""));
	}
}
