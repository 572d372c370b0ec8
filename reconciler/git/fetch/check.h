/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whether a mirror has what its refs need. */

#include <stdbool.h>

#include "base/error.h"
#include "reconciler/git/source.h"

struct git_repository;

/* Every ref resolves to a commit that can be read. Costs a commit a ref. */
int check_refs(struct git_repository *repository, struct error *err);
/* The trees and files of every ref can be read, and hash to their names. Costs what the refs have. */
int check_contents(struct git_repository *repository, struct error *err);
/* Every commit that is reached from a ref can be read. */
int check_history(struct git_repository *repository, struct error *err);
/*
 * What COMMIT has and OLD (NULL: nothing) has not is there. It is looked for, not read: it came in a pack, and all of that
 * was hashed when it came. Costs what differs.
 */
int check_arrival(const char *path, const struct object_id *old, const struct object_id *commit,
	struct error *err);
/* The packs are those of kiln-mirror.json, each as long as it was. Costs a list of a folder. */
int check_packs(const char *path, struct error *err);
/* The packs that are there, as kiln-mirror.json has them: {NAME: BYTES}. The caller frees; NULL on failure. */
struct json *check_list_packs(const char *path, struct error *err);
