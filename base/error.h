/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One failure: what kind of reaction it asks for, and one line of text for a person. It lives on the
 * caller's stack, owns nothing, and is written only by the call that fails.
 */

#include <stddef.h>

enum error_kind {
	ERROR_NONE,
	ERROR_CATALOG,   /* what the repository or the operator wrote is wrong: wait for a commit */
	ERROR_TRANSIENT, /* the outside failed: back off and try again */
	ERROR_RESOURCE,  /* no room, no memory, too many of something: again when there is room */
	ERROR_CONFLICT,  /* somebody else was there first: look again */
	ERROR_BROKEN,    /* a promise does not hold: tell a human */
	ERROR_COUNT
};

struct error {
	enum error_kind kind;
	char text[1024];
};

/* The kind's name as it stands in the store and in journals ("catalog"); "none" for ERROR_NONE. */
const char *error_kind_name(enum error_kind kind);
/* The reverse; ERROR_BROKEN for a name that nobody knows. */
enum error_kind error_kind_find(const char *name);

void error_set(struct error *err, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Puts "WHAT: " before the text that is there and keeps the kind. */
void error_add_context(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The kind that fits an errno: no space and no memory are RESOURCE, the rest what the caller says. */
enum error_kind error_kind_of_errno(int number, enum error_kind otherwise);

/* Failing is one statement: return fail(err, ERROR_CATALOG, "no builder named %s", name); */
#define fail(err, kind, ...) (error_set((err), (kind), __VA_ARGS__), -1)
/* The same for a system call that just failed: the text ends in strerror(errno). */
#define fail_errno(err, kind, ...) (error_set_errno((err), (kind), __VA_ARGS__), -1)
/* Adds context on the way up: return fail_while(err, "image %s", name); */
#define fail_while(err, ...) (error_add_context((err), __VA_ARGS__), -1)

void error_set_errno(struct error *err, enum error_kind otherwise, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
