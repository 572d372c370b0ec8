/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The closure as text: every input that decides an image, a line each; its SHA-256 is the image's identity. Here it is
 * put together, taken apart and compared; what goes into it is decided in evaluate.c.
 */

#include "base/digest.h"
#include "base/json.h"
#include "base/redact.h"
#include "reconciler/reason.h"

#define CLOSURE_FIRST_LINE "kiln-closure 1"

struct closure {
	struct strings lines;
	const struct redactor *masks; /* values that stand in it under another text; may be NULL */
};
void closure_clear(struct closure *closure);

/* KIND KEY VALUE, escaped; VALUE may be NULL: then there is none. */
void closure_add(struct closure *closure, const char *kind, const char *key, const char *value);
/* One line for each value of OPTIONS: "option PREFIX.NAME VALUE"; lists as NAME.000, objects as NAME.KEY. */
void closure_add_options(struct closure *closure, const char *prefix, const struct json *options);
/* The whole text, sorted bytewise; the caller frees. */
char *closure_text(struct closure *closure, struct digest *digest);
/* The digest of the lines alone, sorted: for steps. */
void closure_digest(struct closure *closure, struct digest *digest);

/* [{"kind", "key", "value"}], unescaped; what is not UTF-8 stays escaped. */
struct json *closure_to_json(const char *text);
/* How the line of KIND and KEY begins, escaped; with the space behind the key if WHOLE. The caller frees. */
char *closure_line_start(const char *kind, const char *key, bool whole);
/* The paths of its files; for audit and `why`. */
void closure_list(const char *text, const char *kind, struct strings *keys);

/*
 * What makes NEW differ from OLD, as reasons: files, absent paths, base, backends, the rest as the template. TEMPLATE
 * is the path to name for options.
 */
void closure_compare(
	const char *old, const char *new, const char *template, struct reasons *reasons);
