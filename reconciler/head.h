/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * kilnd: what it knows and holds. One-shot and daemon alike have one head; it alone opens the store.
 */

#include "reconciler/facts.h"
#include "reconciler/service.h"

struct client;
struct daemon;

/* acceptance.c's: commits whose signatures were looked at. */
struct acceptances {
	struct map known;
	int coming;        /* answers that are on their way */
	uint64_t answered; /* and those that came */
};

struct head {
	struct service service;
	char *config;   /* --config, or NULL */
	char *state;    /* the state folder's path */
	bool has_state; /* it is there, and locked by us */
	int lock;
	struct store *store; /* in memory where there is no state folder */
	char *key;           /* for keyed digests */
	size_t key_size;
	bool many_ids; /* builds get 65,536 ids */
	struct blob_cache blobs;
	struct acceptances acceptances;
	struct map missing;    /* what was said of commits that a mirror lacks, by its url */
	struct daemon *daemon; /* NULL: a one-shot */
	struct loop *loop;     /* NULL while a question is answered without one */
};

/*
 * Reads the configuration and, if there is a state folder, takes its lock and opens the store. CREATE makes the folder.
 * 0 if another process holds the lock (HOLDER says who), 1 when all is ready, -1 on error.
 */
int head_open(struct head *head, const char *config, const char *state, bool create,
	const char *who, char holder[static 128], struct error *err);
void head_close(struct head *head);
