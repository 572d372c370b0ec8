/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The catalog as kilnd has it, for everybody who looks at once: kilnd is asked by one of them, and what it said holds for
 * a moment. Kept in few bytes, for there may be ten thousand images.
 */

#include "reconciler/web/ask.h"

struct catalog_row {
	char *name, *repository;
	char *state;                   /* of its newest build; after a rollback it is live again */
	char *commit, *reason;         /* NULL: unknown */
	int64_t live;                  /* 0: none */
	int64_t since_usec, next_usec; /* 0: unknown, nothing */
	bool held;
};

struct catalog {
	struct catalog_row *rows;
	size_t count;
	int64_t read_usec; /* CLOCK_MONOTONIC */
	int references;    /* catalogs' */
};

/* What PHASE of the newest build says about an image that has a live version, or none. Borrowed. */
const char *catalog_state(const char *phase, bool has_live);

struct catalogs;
struct catalogs *catalogs_new(void);
void catalogs_free(struct catalogs *catalogs);
/* To be given back. NULL with an error as kilnd_ask has it. */
const struct catalog *catalogs_get(
	struct catalogs *catalogs, struct kilnd *kilnd, struct error *err);
void catalogs_release(struct catalogs *catalogs, const struct catalog *catalog);
/* What was changed is to be seen at once. */
void catalogs_expire(struct catalogs *catalogs);
