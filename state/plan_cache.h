/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What planning found at one tree of a repository: the images that each definition gave, and the reverse index from
 * paths to definitions. Only a cache: all of it can be thrown away.
 */

#include "base/digest.h"
#include "base/strings.h"
#include "state/store.h"

struct plan_tree {
	int64_t id;                /* what the rows are kept under */
	bool filled;               /* there are rows; the rest is set only then */
	unsigned char tree[20];    /* git's id */
	struct digest fingerprint; /* of all that decides the rows beside the tree */
	bool listed;
	int64_t images;
};
/* What is kept of the repository at PLACE; its entry is made where there is none yet. */
int plan_tree_get(
	struct store *store, const char *place, struct plan_tree *tree, struct error *err);
int plan_tree_set(struct store *store, const struct plan_tree *tree, struct error *err);
/* Everything but the entry itself. */
int plan_forget(struct store *store, int64_t tree, struct error *err);

struct plan_row {
	char *definition, *name;
	char *facts; /* JSON */
	bool has_closure;
	struct digest closure;
};
struct plan_rows {
	struct plan_row *items;
	size_t count, room;
};
void plan_rows_clear(struct plan_rows *rows);

/* The keys of the definitions that a change of PATH itself, or with BELOW of something below PATH, can alter. */
int plan_definitions_of_path(struct store *store, int64_t tree, const char *path, bool below,
	struct strings *keys, struct error *err);
/* Those that any path below FOLDER can alter. */
int plan_definitions_below(struct store *store, int64_t tree, const char *folder,
	struct strings *keys, struct error *err);
/* The definitions whose images are built on BASE. */
int plan_children(struct store *store, int64_t tree, const char *base, struct strings *keys,
	struct error *err);
/* 1 and the digest of what kiln.json said if the definition is known, 0 if not. */
int plan_definition_find(struct store *store, int64_t tree, const char *key, struct digest *digest,
	struct error *err);
int plan_definitions_list(
	struct store *store, int64_t tree, struct strings *keys, struct error *err);

int plan_rows_of_definition(struct store *store, int64_t tree, const char *key,
	struct plan_rows *rows, struct error *err);
int plan_rows_called(struct store *store, int64_t tree, const char *name, struct plan_rows *rows,
	struct error *err);
/* Those whose definition is built on another image. */
int plan_rows_with_bases(
	struct store *store, int64_t tree, struct plan_rows *rows, struct error *err);
int plan_rows_all(struct store *store, int64_t tree, struct plan_rows *rows, struct error *err);

/* One definition anew; what was there of it is gone. Called in a transaction. */
struct plan_path {
	const char *path;
	bool prefix;
};
int plan_definition_put(struct store *store, int64_t tree, const char *key,
	const struct digest *digest, const struct plan_row *images, size_t image_count,
	const struct plan_path *paths, size_t path_count, const struct strings *bases,
	struct error *err);
int plan_definition_remove(struct store *store, int64_t tree, const char *key, struct error *err);
