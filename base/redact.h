/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Values that must not be seen, and what is shown in their place. */

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct redaction {
	char *value, *shown;
};

struct redactor {
	struct redaction *items; /* the longest first: one value may be part of another */
	size_t count, room;
};

/* VALUE in exactly this form; an empty one is passed over. */
void redactor_add(struct redactor *redactor, const char *value, const char *shown);
/*
 * VALUE in all the forms it takes on its way into a log: as it is, each of its lines, escaped for JSON and for a shell's
 * single quotes, URL-encoded, and in base64 wherever it may begin inside a longer text. Pieces of less than four bytes
 * are left alone: they would blank half of every line.
 */
void redactor_add_secret(struct redactor *redactor, const char *value, const char *shown);
void redactor_clear(struct redactor *redactor);

/* Copies BYTES to OUT; what is shown is not looked at again. */
void redactor_apply(
	const struct redactor *redactor, const char *bytes, size_t size, struct text *out);
/* One of the values stands in TEXT. */
bool redactor_finds(const struct redactor *redactor, const char *text);
/* Bytes of the longest value: that much of a line's beginning may be the end of a value. */
size_t redactor_longest(const struct redactor *redactor);
