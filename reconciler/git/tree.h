/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Trees of a repository, read raw: looking a path up, walking one, and walking two side by side at the cost of what
 * differs (git_diff_tree_to_tree expands subtrees that are equal; this does not).
 */

#include <stdbool.h>

#include "reconciler/git/source.h"

enum entry_kind { ENTRY_NONE, ENTRY_FILE, ENTRY_LINK, ENTRY_FOLDER, ENTRY_SUBMODULE };

struct entry {
	enum entry_kind kind; /* ENTRY_NONE: not there, nothing else is set */
	unsigned mode;        /* as git writes it: 0100644, 0100755, 0120000, 040000, 0160000 */
	struct object_id id;
};

/* What was read of a source's trees, kept with it: git/source.c only frees it. */
struct tree_cache;
void tree_cache_free(struct tree_cache *cache);

/* A tree with the trees below it. */
struct snapshot;
/* SOURCE is borrowed and must live longer. */
struct snapshot *snapshot_new(struct source *source, const struct object_id *root);
void snapshot_free(struct snapshot *snapshot);
static inline void snapshot_freep(struct snapshot **snapshot)
{
	snapshot_free(*snapshot);
}
struct source *snapshot_source(const struct snapshot *snapshot);
const struct object_id *snapshot_root(const struct snapshot *snapshot);

/* PATH is relative to the root, clean, "" for the root itself. Links are not followed; nothing there is no error. */
int snapshot_find(
	struct snapshot *snapshot, const char *path, struct entry *entry, struct error *err);

typedef int entry_visit(
	void *context, const char *path, const struct entry *entry, struct error *err);
/* Every entry below FOLDER that is no folder itself, in git's order. PATH counts from the root. */
int snapshot_walk(struct snapshot *snapshot, const char *folder, entry_visit *visit, void *context,
	struct error *err);
/* The entries of FOLDER itself, folders too. PATH is the name alone. */
int snapshot_list(struct snapshot *snapshot, const char *folder, entry_visit *visit, void *context,
	struct error *err);

/* OLD or NEW is ENTRY_NONE where there was or is nothing; neither is ever a folder. */
typedef int change_visit(void *context, const char *path, const struct entry *old,
	const struct entry *new, struct error *err);
/* What differs between two trees; OLD may be NULL, for nothing at all. Equal subtrees are not read. */
int tree_diff(struct source *source, const struct object_id *old, const struct object_id *new,
	change_visit *visit, void *context, struct error *err);
