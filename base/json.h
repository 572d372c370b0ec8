/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON: json-c holds the tree, a strict scanner of our own fills it. json-c's parser accepts raw control
 * characters and NaN, keeps the last of two equal keys silently and knows no positions; this one follows
 * RFC 8259, refuses duplicate keys, bounds the depth, and finds the line and column of any value again.
 *
 * A JSON null is a NULL pointer (as in json-c): json_has tells it from an absent key.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/strings.h"
#include "base/text.h"

struct json; /* json-c's struct json_object */

enum json_kind {
	JSON_NULL,
	JSON_BOOL,
	JSON_INTEGER, /* a number without fraction and exponent that fits 64 bits; not -0 */
	JSON_REAL,
	JSON_TEXT,
	JSON_LIST,
	JSON_OBJECT,
	JSON_KIND_COUNT
};

/* ---- reading ---- */

#define JSON_DEPTH_MOST 500

enum json_flag {
	JSON_STRICT = 0,
	JSON_COMMENTS = 1, /* slash-slash and slash-star comments count as white space */
	JSON_REPAIR_UTF8 =
		2, /* what is not UTF-8 becomes U+FFFD, as in Go; otherwise it is an error */
	JSON_LAST_KEY_WINS = 4, /* of equal keys; otherwise they are an error */
	JSON_FIRST_VALUE = 8    /* what stands behind the first value is not looked at */
};

/* The text a tree came from; both fields are borrowed and must outlive the tree for positions. */
struct json_source {
	const char *name; /* for messages: a path */
	const char *text;
	size_t size;
};

/*
 * The tree of one whole document in *ROOT (owned by the caller, json_free). The error reads
 * "NAME:LINE:COLUMN: what"; columns count bytes from 1. Refused beside broken syntax: duplicate keys, a
 * \u0000 in a string, more than JSON_DEPTH_MOST levels. Kind CATALOG.
 */
int json_parse(
	const struct json_source *source, unsigned flags, struct json **root, struct error *err);
/* For text that a program of ours wrote: SIZE bytes, no name. Kind BROKEN. */
int json_parse_bytes(const char *text, size_t size, struct json **root, struct error *err);

struct json_place {
	size_t offset;         /* bytes from the start */
	unsigned line, column; /* from 1 */
};

/* The start of the document's own text that LIST or OBJECT (parsed from SOURCE) came from. */
struct json_place json_place(const struct json_source *source, const struct json *container);
/* The place of a key of OBJECT, or of the value behind it. */
struct json_place json_place_key(
	const struct json_source *source, const struct json *object, const char *key);
struct json_place json_place_value(
	const struct json_source *source, const struct json *object, const char *key);
struct json_place json_place_item(
	const struct json_source *source, const struct json *list, size_t index);

/* ---- looking ---- */

enum json_kind json_kind(const struct json *value);
const char *json_kind_name(enum json_kind kind); /* "text", "list" ... for messages */

bool json_has(const struct json *object, const char *key);
/* The value of KEY; NULL when absent, null, or OBJECT is no object. Borrowed. */
struct json *json_get(const struct json *object, const char *key);
size_t json_count(const struct json *container); /* of a list or an object; 0 for all else */
struct json *json_item(const struct json *list, size_t index); /* borrowed, NULL past the end */

/* The value as what it is; the fallback when it is something else. Text is borrowed. */
const char *json_text(const struct json *value, const char *otherwise);
size_t json_text_size(const struct json *value);
int64_t json_integer(const struct json *value, int64_t otherwise);
double json_real(const struct json *value, double otherwise);
bool json_boolean(const struct json *value, bool otherwise);

/* The same of a member of OBJECT. */
const char *json_get_text(const struct json *object, const char *key, const char *otherwise);
int64_t json_get_integer(const struct json *object, const char *key, int64_t otherwise);
bool json_get_boolean(const struct json *object, const char *key, bool otherwise);
/* Adds the texts of a list of texts to STRINGS. */
void json_get_texts(const struct json *object, const char *key, struct strings *strings);

/* Members in the document's order. KEY and VALUE are borrowed. */
struct json_cursor {
	const void *entry;
	const char *key;
	struct json *value;
};
bool json_next(const struct json *object, struct json_cursor *cursor);
#define json_each_member(cursor, object) \
	for (struct json_cursor cursor = {0}; json_next((object), &cursor);)

bool json_equal(const struct json *a, const struct json *b);

/* ---- building ---- */

struct json *json_new_object(void);
struct json *json_new_list(void);
struct json *json_new_text(const char *text);
struct json *json_new_text_bytes(const char *bytes, size_t size);
struct json *json_new_integer(int64_t number);
struct json *json_new_real(double number, int decimals); /* rounded to that many */
struct json *json_new_bool(bool value);
struct json *json_copy(const struct json *value); /* deep */
void json_free(struct json *value);

/* These take over VALUE, which may be NULL (null). A key that is there is replaced. */
void json_set(struct json *object, const char *key, struct json *value);
void json_add(struct json *list, struct json *value);
void json_remove(struct json *object, const char *key);

/* Shorthands; a NULL text becomes null, bytes that are not UTF-8 become U+FFFD. */
void json_set_text(struct json *object, const char *key, const char *text);
void json_set_integer(struct json *object, const char *key, int64_t number);
void json_set_bool(struct json *object, const char *key, bool value);
void json_add_text(struct json *list, const char *text);

/* ---- writing ---- */

enum json_style {
	JSON_LINE,  /* one line, no spaces: what programs send each other */
	JSON_PRETTY /* two spaces a level: what people read */
};

/* Appends; valid UTF-8, '/' not escaped. */
void json_write(const struct json *value, enum json_style style, struct text *out);

/* One line of it; the caller frees. */
char *json_to_line(const struct json *value);

static inline void json_freep(struct json **value)
{
	json_free(*value);
}
#define autojson CLEANUP(json_freep)
