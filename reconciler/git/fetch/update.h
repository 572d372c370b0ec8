/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A mirror, made equal to what its remote has: the refs that are watched, and no other; and the pins. */

#include "base/error.h"
#include "base/json.h"
#include "reconciler/git/fetch/login.h"
#include "reconciler/git/fetch/mirror.h"

struct update {
	struct login *login;
	struct mirror *mirror; /* open */
	const char *broken;    /* the one that it takes the place of, if that holds pins; or NULL */
	bool suspect;          /* set: what failed may be the mirror's own fault */
	bool incomplete; /* set: it has a commit without all of its files, which it will not ask for again */
};

/*
 * A run that is killed leaves the refs of before, or some of after, and never one whose objects are missing. RESULT is the
 * answer that kiln-fetch gives, which the caller frees.
 */
int update_run(struct update *update, struct json **result, struct error *err);
