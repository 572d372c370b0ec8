/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Why an image is planned as it is: each reason has a kind that programs read and a text for people. */

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

enum reason_kind {
	REASON_NONE,
	/* something is to be done */
	REASON_NEW,
	REASON_FILE,
	REASON_TEMPLATE,
	REASON_VARIABLE, /* also: blocked, a variable does not resolve */
	REASON_BASE,
	REASON_BACKEND,
	REASON_AGE,
	REASON_FORCED,
	REASON_ABSENT,
	REASON_REVERTED,
	/* nothing can be done */
	REASON_INVALID,
	REASON_UNSUPPORTED,
	REASON_NOT_ALLOWED,
	REASON_OUTSIDE,
	REASON_MISSING,
	REASON_SUBMODULE,
	REASON_LFS,
	REASON_CONFLICT,
	REASON_CYCLE,
	REASON_FAILED,
	REASON_UNSIGNED,
	REASON_COUNT
};
const char *reason_kind_name(enum reason_kind kind);
/* REASON_NONE if nothing is called so. */
enum reason_kind reason_kind_find(const char *name);

struct reason {
	enum reason_kind kind;
	char *path, *old, *new; /* NULL: unknown or none */
	char *text;
};

struct reasons {
	struct reason *items;
	size_t count, room;
};

void reasons_clear(struct reasons *reasons);
/* Copies; every pointer but TEXT may be NULL. */
void reasons_add(struct reasons *reasons, enum reason_kind kind, const char *path, const char *old,
	const char *new, const char *format, ...) __attribute__((format(printf, 6, 7)));
void reasons_add_all(struct reasons *reasons, const struct reasons *others);
bool reasons_equal(const struct reasons *a, const struct reasons *b);

/* [{"kind", "path", "old", "new", "text"}] */
struct json *reasons_to_json(const struct reasons *reasons);
/* The reverse; what is not of the form is left out. */
void reasons_from_json(const struct json *list, struct reasons *reasons);
