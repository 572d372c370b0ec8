/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A build that the plan wants gets its row: from here on it exists, and goes on whatever happens to us. */

#include "reconciler/replacement.h"
#include "reconciler/repository.h"

struct new_build {
	struct repository *repository; /* registered */
	const struct commit *commit;
	const char *image, *definition;
	const char *action;           /* "create" or "rebuild", for `why` */
	struct digest closure, rules; /* as planned */
	int64_t reuses;               /* the version that is only checked again; 0: it is built */
	const struct json *policy, *reasons;
	const struct build_settings *settings; /* of the apply */
};

/* The id of a build that begins now; the caller frees. */
char *new_build_id(int64_t now_usec);
/* 1 and its replacement, which the caller owns; 0: its closure is another one by now, so it must be planned anew. */
int new_build_add(
	const struct new_build *wanted, struct replacement **replacement, struct error *err);
