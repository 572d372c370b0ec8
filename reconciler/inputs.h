/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The files of one image, looked up in a commit: which are there and with which content, which were looked for and are
 * not there, and which changes of the repository could make any of that different.
 */

#include <stdbool.h>

#include "backends/plugin.h"
#include "base/digest.h"
#include "base/map.h"
#include "reconciler/git/tree.h"
#include "reconciler/reason.h"

/* What is known of a blob beside its id. */
struct blob_facts {
	struct digest sha256;
	bool mentions_build_name; /* it says PACKER_BUILD_NAME, so it may depend on the build's name */
	bool is_lfs_pointer;
	struct digest lfs_id; /* then */
};

/* What is known of a file of this machine that nobody has changed since. */
struct outside_facts {
	struct json *identity; /* base/file_identity.h */
	struct digest sha256;
};

/* Remembers facts within one process: of blobs, and of files outside. */
struct blob_cache {
	struct map by_id;   /* hex -> struct blob_facts, owned */
	struct map by_path; /* -> struct outside_facts, owned */
};
void blob_cache_clear(struct blob_cache *cache);

/* One file that a build gets. */
struct input {
	char *path;    /* from the repository's root; absolute for a file of this machine */
	unsigned mode; /* 0100644, 0100755, 0120000, 0160000 */
	struct object_id id;
	struct source *source;       /* whose objects; NULL: a file of this machine */
	char value[DIGEST_HEX_SIZE]; /* in the closure, behind the mode */
	bool in_closure;             /* false inside a submodule, whose commit stands for it */
	bool mentions_build_name;
	bool is_lfs;
};

/* Where git-lfs keeps the content that INPUT, a pointer, stands for; the caller frees. */
char *input_lfs_object(const struct input *input);

/* What a change of a path has to be held against. */
struct dependency {
	char *path;
	bool prefix; /* a change of anything below it counts too */
};

struct inputs {
	struct snapshot *snapshot;
	struct blob_cache *cache;
	struct reasons *problems;
	const struct strings *grants; /* powers: for outside-path */
	struct strings needs;         /* the powers that are missing or used */
	struct map files;             /* path -> struct input, owned */
	struct map absent;            /* path -> NULL */
	struct map dependencies;      /* path -> struct dependency, owned */
	struct snapshot *submodule;   /* the last one looked into */
	struct object_id submodule_commit;
};
void inputs_init(struct inputs *inputs, struct snapshot *snapshot, struct blob_cache *cache,
	const struct strings *grants, struct reasons *problems);
void inputs_clear(struct inputs *inputs);

/*
 * Something is at PATH (from the root); what it is in *KIND, ENTRY_NONE for nothing. Links are followed; one that cannot
 * be is a problem, and ENTRY_LINK.
 */
int inputs_look(struct inputs *inputs, const char *path, enum entry_kind *kind, struct error *err);

/* The same for what may be a pattern: something matches. */
int inputs_matches(struct inputs *inputs, const char *path, bool *found, struct error *err);

/*
 * Adds what PATH names: the file, the folder with all that is in it, the matches of a pattern, each link on the way. The
 * paths of the files go to ADDED (may be NULL). *FOUND is false, and PATH remembered as absent, if nothing is there.
 */
int inputs_add(struct inputs *inputs, const char *path, enum option_path kind,
	struct strings *added, bool *found, struct error *err);
/* A file of this machine, which needs the power outside-path. */
int inputs_add_outside(
	struct inputs *inputs, const char *path, struct strings *added, struct error *err);

/* The whole content of a file of the repository that is small: a template, a var-file. Links are followed. */
int inputs_read(struct inputs *inputs, const char *path, size_t most, char **bytes, size_t *size,
	bool *found, struct error *err);
void inputs_depend(struct inputs *inputs, const char *path, bool prefix);
