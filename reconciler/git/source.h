/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A git repository as kiln reads it: its refs and its object database, never a work tree. Bare or not, owned by
 * whomever (the operator named it). The one place, with tree.c, that knows libgit2.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

enum { OBJECT_ID_SIZE = 20, OBJECT_ID_HEX_SIZE = 41 };

struct object_id {
	unsigned char bytes[OBJECT_ID_SIZE];
};

bool object_id_equal(const struct object_id *a, const struct object_id *b);
const char *object_id_hex(const struct object_id *id, char hex[static OBJECT_ID_HEX_SIZE]);

struct source;

/* Starts libgit2, once; source_open does it otherwise. */
int source_start(struct error *err);
/* PLACE is a path or a file:// URL. Nothing is searched for above it. Kind CATALOG when it is no repository. */
int source_open(const char *place, struct source **source, struct error *err);
/* A place for git/tree.c's cache; NULL is in it at first. */
struct tree_cache;
struct tree_cache **source_tree_cache(struct source *source);
void source_free(struct source *source);
static inline void source_freep(struct source **source)
{
	source_free(*source);
}

/*
 * From now on every object that is read is hashed and compared with its name, as where a signature vouches for names. Otherwise
 * that is left to those who wrote them, as git leaves it.
 */
void source_hash_objects(struct source *source);
/*
 * SOURCE is a mirror that can be made again: where an object of it is damaged NOTE, a path, is removed, without which kiln-fetch reads
 * all of the mirror and mends it, and the error is TRANSIENT.
 */
void source_set_mirror_note(struct source *source, const char *note);

/* The repository that FOLDER lies in: its absolute path, which the caller frees; NULL if it lies in none. */
char *source_discover(const char *folder);
/* Absolute and without links: the same for every way to write it. NULL (and an error) if it is not there. */
char *source_canonical_path(const char *place, struct error *err);

bool source_has_work_tree(const struct source *source);
/* Where its objects are (".git" or the bare one; of a linked work tree the main one), ending in '/'. Borrowed. */
const char *source_git_folder(const struct source *source);

struct commit {
	struct object_id id, tree;
	char *author; /* "Name <mail>" */
	int64_t authored_usec;
	char *subject; /* first line of the message */
};
void commit_clear(struct commit *commit);

/*
 * The commit that REVISION names ("main", "v1.2", "HEAD~2", an abbreviated id). Kind CATALOG: an empty repository, an
 * unknown name, a commit that a shallow clone lacks.
 */
int source_resolve(
	struct source *source, const char *revision, struct commit *commit, struct error *err);
/*
 * The signature that stands in COMMIT itself, what it signs, and the committer's time, which nobody but the signer vouches for.
 * 1, 0 if it has none, -1. Kind CATALOG where commit or signature is larger than anybody's is, or not of git's form.
 */
int source_read_signature(struct source *source, const struct object_id *commit,
	struct text *signature, struct text *payload, int64_t *committed_sec, struct error *err);

/* HEAD names a branch that has no commit. */
bool source_is_unborn(const struct source *source);
/* The full name of the ref that HEAD points to ("refs/heads/main"), also when unborn; the caller frees. */
int source_head_ref(struct source *source, char **ref, struct error *err);

enum object_kind { OBJECT_OTHER, OBJECT_COMMIT, OBJECT_TREE, OBJECT_BLOB };

/* The whole object; the caller frees *BYTES, which a NUL follows. Larger than MOST bytes is an error. */
int source_read(struct source *source, const struct object_id *id, enum object_kind kind,
	size_t most, char **bytes, size_t *size, struct error *err);
/* Its size without reading it all; -1 if it is not there. */
int64_t source_size(struct source *source, const struct object_id *id);
bool source_has(struct source *source, const struct object_id *id);

/* The object stores of the repository's submodules: the source that has COMMIT, or NULL. Owned by SOURCE. */
struct source *source_find_submodule(struct source *source, const struct object_id *commit);
