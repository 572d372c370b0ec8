/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The audit history: a chain of events, each with the digest of the one before. What is changed or taken out later shows
 * in every digest behind it.
 */

#include "base/digest.h"
#include "base/json.h"
#include "state/store.h"

struct event {
	int64_t id, usec;
	char *kind;  /* "phase", "channel", "hold" ... */
	char *image; /* "REPOSITORY/NAME", "" where none is meant */
	char *build; /* "" likewise */
	char *data;  /* JSON */
	struct digest previous, digest;
};

struct events {
	struct event *items;
	size_t count, room;
};
void events_clear(struct events *events);

/* Adds one at the end; to be called in the transaction of what it tells. Takes over DATA (may be NULL). */
int event_add(struct store *store, int64_t usec, const char *kind, const char *image,
	const char *build, struct json *data, struct error *err);

/* The digest of the last event, zeros if there is none yet. */
int event_last(struct store *store, struct digest *digest, struct error *err);
/* The digest of the event before the one by which BUILD entered publishing. */
int event_before_publishing(
	struct store *store, const char *build, struct digest *digest, struct error *err);

enum event_filter { EVENTS_ALL, EVENTS_OF_BUILD, EVENTS_OF_IMAGE };
int events_list(struct store *store, enum event_filter filter, const char *of,
	struct events *events, struct error *err);

/* What EVENT's digest must be. */
void event_digest(const struct event *event, struct digest *digest);
