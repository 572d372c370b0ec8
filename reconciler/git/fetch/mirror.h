/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The bare repository that a remote is copied to. One process at a time changes it; others may read it meanwhile, and a
 * reader that has it open goes on when it is made again, which happens beside it.
 *
 * It says of itself what packs it has and what it was found to have whole (kiln-mirror.json): written last, taken away
 * before anything changes. Where that is there and still true, looking at a mirror costs a list of its packs and the refs'
 * commits. Where not, a run did not end well: then everything that its refs need is read, and hashed, once; and said before
 * anything else is done.
 */

#include <stdbool.h>

#include "base/error.h"
#include "base/strings.h"
#include "reconciler/git/source.h"

#define MIRROR_NOTE "kiln-mirror.json"

struct git_repository;

struct mirror {
	char *path;
	int lock_fd; /* of the folder, flock()ed; -1: none */
	bool beside; /* a new one: what is there when it is closed is removed */
	bool in_doubt; /* set by mirror_open: it did not say that it is whole, or said what is not so any more */
	struct git_repository *repository;
};

/*
 * Takes the mirror's lock, waiting for it; makes an empty folder where nothing is. What killed runs left behind is swept;
 * a mirror that one had set aside, to put a new one in its place, is put back where that did not come. Nothing is opened yet.
 */
int mirror_lock(const char *path, struct mirror *mirror, struct error *err);
void mirror_close(struct mirror *mirror);

enum mirror_health { MIRROR_NONE, MIRROR_GOOD, MIRROR_BROKEN };
/* Opens it and looks at it; THOROUGH: whatever it says of itself. WHY has what is broken. */
enum mirror_health mirror_open(struct mirror *mirror, bool thorough, struct error *why);

/* A new, empty one beside MIRROR. */
int mirror_new(const struct mirror *mirror, struct mirror *made, struct error *err);
/* MADE takes MIRROR's place in one step; the old one is removed. MIRROR is closed. */
int mirror_swap(struct mirror *mirror, struct mirror *made, struct error *err);

/* It is going to change: until mirror_finish it no longer says that it is whole. */
int mirror_begin(struct mirror *mirror, struct error *err);
/* It is as it should be, and says so. */
int mirror_finish(struct mirror *mirror, struct error *err);

/* ---- refs ---- */

/* The commit that OBJECT is, or that it tags. Kind CATALOG: it is neither. NAME is for the message. */
int mirror_commit(struct mirror *mirror, const char *name, const struct object_id *object,
	struct object_id *commit, struct error *err);
/* What REF names itself; false: nothing. */
bool mirror_find(struct mirror *mirror, const char *ref, struct object_id *id);
/* REF names ID from now on; NULL: it is gone. */
int mirror_set(
	struct mirror *mirror, const char *ref, const struct object_id *id, struct error *err);
/* HEAD names REF. */
int mirror_set_head(struct mirror *mirror, const char *ref, struct error *err);
bool mirror_head_is(struct mirror *mirror, const char *ref);
/* All refs but HEAD. */
int mirror_refs(struct mirror *mirror, struct strings *refs, struct error *err);
