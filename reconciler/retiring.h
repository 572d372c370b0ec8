/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which versions of an image may be retired, from the store: retention's question put and its answer carried out. */

#include "reconciler/head.h"
#include "reconciler/retention.h"

struct retirement {
	struct build_records builds;        /* published ones, by version */
	struct retention_version *versions; /* one for each */
};
void retirement_clear(struct retirement *retirement);

/* IMAGE_NAME with REPOSITORY tell what is built on its versions. */
int retirement_gather(struct store *store, int64_t image, const char *image_name,
	struct retirement *retirement, struct error *err);
/* Moves the chosen builds to retiring, inside the caller's transaction. FULL_NAME is for the events. */
int retirement_move(struct store *store, struct retirement *retirement, const char *full_name,
	int64_t now_usec, struct error *err);
/* The same in a transaction of its own. */
int retirement_begin(struct store *store, struct retirement *retirement, const char *full_name,
	int64_t now_usec, struct error *err);
