/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The images of a repository at one commit, kept in the store's planning cache and moved from commit to commit at the
 * cost of what changed: the two trees are walked side by side, changed paths looked up in the reverse index, and only
 * those definitions evaluated again.
 *
 * Every move happens inside the caller's transaction. Committing keeps it; rolling back makes it a look elsewhere.
 */

#include "reconciler/evaluate.h"
#include "state/plan_cache.h"

struct index {
	struct store *store;
	struct source *source;
	struct evaluator evaluator; /* snapshot is set by the moves */
	struct digest
		fingerprint; /* of grants, secrets, key and program: what rows depend on beside the tree */
	struct plan_tree tree; /* what the rows describe now */
};

/*
 * Reads what the store has of the repository at PLACE; rows made under another fingerprint count as none. EVALUATOR is
 * borrowed from.
 */
int index_open(struct index *index, struct store *store, const char *place, struct source *source,
	const struct evaluator *evaluator, struct error *err);

/* The definitions that differ between the index and TREE. */
int index_find_changes(
	struct index *index, const struct object_id *tree, struct strings *keys, struct error *err);
/*
 * Makes the rows describe TREE. KEYS: what index_find_changes said, or NULL to ask it here. An error of kind CATALOG means
 * that kiln.json at that commit cannot be read: nothing is changed then but what the caller rolls back.
 */
int index_move(struct index *index, const struct object_id *tree, const struct strings *keys,
	struct error *err);
/* Evaluates again what is built on an image whose version is another one than the row says. *CHANGED counts. */
int index_refresh_bases(struct index *index, size_t *changed, struct error *err);

/* One image as its row has it. */
struct indexed_image {
	char *name, *definition;
	char *template_path, *build_name;
	bool has_closure, complete;
	struct digest closure;
	struct reasons problems;
	struct strings needs, parents;
	struct digest validate;
	char *policy; /* publish, channels, keep, rebuild, validate: as the definition says, as JSON text; there are many */
	struct schedule *schedule; /* of it; NULL: it is never built for its age */
};
struct indexed_images {
	struct indexed_image *items;
	size_t count, room;
};
void indexed_images_clear(struct indexed_images *images);
/* All images, by name; those that share one are there once, with a conflict among their problems. */
int index_list(struct index *index, struct indexed_images *images, struct error *err);
/* Those of the given definitions. */
int index_list_of(struct index *index, const struct strings *keys, struct indexed_images *images,
	struct error *err);
/* One by name; 1 found, 0 not. */
int index_find(
	struct index *index, const char *name, struct indexed_image *image, struct error *err);
void indexed_image_clear(struct indexed_image *image);
/* Its policy as JSON; the caller frees. */
struct json *indexed_image_policy(const struct indexed_image *image);

/* 1 if templates are found by looking for them and PATH is a file, whatever is in it; 0 if not. */
int index_has_file(struct index *index, const char *path, struct error *err);

/* The definition behind a key at TREE; NULL if there is none. The caller frees. */
int index_read_definition_at(struct index *index, const struct object_id *tree, const char *key,
	struct definition **definition, struct error *err);
