/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reading an operator's JSON into a struct by a table: a row a key. What is wrong is told with line and column, and an unknown
 * key with the nearest known one.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

struct settings_reader {
	struct json_source source;
	const struct json *object; /* where the key at hand stands */
	const char *key;
	struct error *err;
};

enum setting_type {
	SETTING_TEXT, /* char *, freed by its owner */
	SETTING_FILE, /* char *: an absolute path, or the name of a systemd credential, as the path it has */
	SETTING_TEXTS,    /* struct strings */
	SETTING_DURATION, /* int64_t seconds */
	SETTING_NUMBER,   /* int64_t, at least `least` */
	SETTING_BOOLEAN,  /* bool */
	SETTING_OBJECT,   /* `read` gets it, and it is an object */
	SETTING_LIST,     /* `read` gets it, and it is a list */
	SETTING_OTHER,    /* `read` gets it, and it is a text */
};

struct setting {
	const char *name;
	enum setting_type type;
	size_t offset; /* of the member in the struct */
	int64_t least;
	/* Called after the value was taken (SETTING_TEXT ...), to look at it, or to take it (SETTING_OBJECT, SETTING_LIST). */
	int (*read)(struct settings_reader *reader, void *into, const struct json *value);
};

/* Every key of OBJECT by its row of TABLE (ended by a nameless one) into the struct INTO. */
int settings_read(struct settings_reader *reader, const struct json *object,
	const struct setting *table, void *into);
/* Every member of OBJECT is an object and gets its struct by NEW, which keeps it; TABLE reads it. */
int settings_read_map(struct settings_reader *reader, const struct json *object,
	const struct setting *table, void *(*new)(void *into, const char *key), void *into);
/* "FILE:LINE:COLUMN: KEY: ..." */
int settings_fail(struct settings_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The path of an operator's FILE: itself if it is absolute, else in $CREDENTIALS_DIRECTORY; NULL if there is none. */
char *settings_file_path(const char *file);
