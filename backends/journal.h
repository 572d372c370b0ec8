/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A build's own journal, builds/BUILD/journal: what its worker did, a JSON object a line, each lasting before the worker
 * goes on. The worker holds a lock on it as long as it lives; the head reads it, also when neither was started by the
 * other.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/json.h"

struct journal {
	int fd; /* -1: none */
};

/* Opens (making it where there is none) and locks; an error of kind CONFLICT if another worker lives. */
int journal_open(int folder, struct journal *journal, struct error *err);
void journal_close(struct journal *journal);
/* Adds {"time", "event": EVENT, ...DETAILS} and makes it lasting. Takes over DETAILS (may be NULL). */
int journal_add(
	struct journal *journal, const char *event, struct json *details, struct error *err);

/* The worker that holds the lock; 0 if none does. */
pid_t journal_owner(int folder);
/* All whole lines as a list; what a crash cut off is left out. No journal is an empty list. */
int journal_read(int folder, struct json **entries, struct error *err);
/* The same of the open one: closing any other descriptor of the file would give up its lock. */
int journal_read_own(const struct journal *journal, struct json **entries, struct error *err);
/* The last entry of that event, NULL if there is none. Borrowed. */
const struct json *journal_find_last(const struct json *entries, const char *event);
