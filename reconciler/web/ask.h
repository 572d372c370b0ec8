/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Asking kilnd over its socket, from many threads. Nothing here waits longer than it is told to, and only so many ask at a
 * time: a kilnd that does not answer costs those who ask their answer, and nobody else anything.
 */

#include <pthread.h>
#include <stdint.h>

#include "base/message.h"

struct kilnd {
	char *socket;      /* its path */
	int stopping;      /* readable when kiln-web is to end; -1: never */
	int asking_most;   /* at the same time */
	int64_t wait_usec; /* for an answer */
	pthread_mutex_t lock;
	int asking;
};
void kilnd_init(struct kilnd *kilnd, const char *socket, int stopping);
void kilnd_clear(struct kilnd *kilnd);

/*
 * The one item that VERB answers with in *ITEM (NULL if it gives none; the caller frees). Takes over ARGUMENTS. Kind
 * RESOURCE: kilnd is not there, does not answer in time or has too much to do; CATALOG: it says why not.
 */
int kilnd_ask(struct kilnd *kilnd, const char *verb, struct json *arguments, struct json **item,
	struct error *err);

/* The same for who cannot wait so long. */
int kilnd_ask_within(struct kilnd *kilnd, int64_t wait_usec, const char *verb,
	struct json *arguments, struct json **item, struct error *err);

/* ---- an answer of many messages ---- */

struct answer {
	struct kilnd *kilnd;
	struct message_link link;
	int code; /* once it ended */
};
void answer_clear(struct answer *answer);
/* Asks; takes over ARGUMENTS. Kind RESOURCE if kilnd is not there. */
int answer_begin(struct answer *answer, struct kilnd *kilnd, const char *verb,
	struct json *arguments, struct error *err);
enum answer_state { ANSWER_ENDED, ANSWER_MESSAGE, ANSWER_NOTHING };
/*
 * The next message in *MESSAGE (the caller frees); ANSWER_NOTHING when WAIT_USEC are over first. -1: it was cut off, or (kind
 * CATALOG) kilnd says what is wrong.
 */
int answer_next(struct answer *answer, int64_t wait_usec, struct json **message, struct error *err);
