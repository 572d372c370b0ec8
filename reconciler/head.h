/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * kilnd: what it knows and holds. One-shot and daemon alike have one head; it alone opens the store.
 */

#include "reconciler/facts.h"
#include "reconciler/service.h"

struct client;

struct head {
	struct service service;
	char *config;       /* --config, or NULL */
	char *state;        /* the state folder's path */
	bool has_state;     /* it is there, and locked by us */
	int lock;
	struct store *store; /* in memory where there is no state folder */
	char *key;          /* for keyed digests */
	size_t key_size;
	bool many_ids;      /* builds get 65,536 ids */
	struct blob_cache blobs;
	struct loop *loop;  /* NULL while a question is answered without one */
};

/*
 * Reads the configuration and, if there is a state folder, takes its lock and opens the store. CREATE makes the folder.
 * 0 if another process holds the lock (HOLDER says who), 1 when all is ready, -1 on error.
 */
int head_open(struct head *head, const char *config, const char *state, bool create,
	const char *who, char holder[static 128], struct error *err);
void head_close(struct head *head);

/* A repository that is being looked at. */
struct repository {
	struct head *head;
	const struct service_repository *configured; /* or NULL */
	int64_t id;      /* in the store; 0: never applied */
	char *name, *place; /* place: canonical */
	char *ref;       /* what is followed */
	bool prefixed;
	struct source *source;
	struct strings grants;
	struct map overrides; /* -var and -var-file */
	struct map secrets;   /* name -> value, read once */
	char *secrets_digest;
	struct evaluator evaluator;
};
/*
 * PLACE is a path, a file:// URL, or the name of a configured repository. FOLDER is what a relative path counts from.
 */
int repository_open(struct head *head, const char *place, const char *folder,
	struct repository *repository, struct error *err);
void repository_close(struct repository *repository);
/* Its row in the store, made if there is none; the ref is fixed then. */
int repository_register(struct repository *repository, struct error *err);
/* The commit that is followed, or the one REVISION names. */
int repository_resolve(struct repository *repository, const char *revision, struct commit *commit,
	struct error *err);

/*
 * The repositories that a request is about: the one it names, else the configured ones, else the one around FOLDER.
 * Places to hand to repository_open.
 */
int head_find_places(struct head *head, const char *named, const char *folder,
	struct strings *places, struct error *err);

/* NAME or REPOSITORY/NAME in the store: 1 found, 0 not, -1 (CATALOG) if several repositories have one. */
int head_find_image(struct head *head, const char *name, struct image_record *image,
	struct error *err);
