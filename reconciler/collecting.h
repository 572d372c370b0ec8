/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Making room: what may go is decided here (logs older than limits.log_days, folders of builds that the store does not
 * know); a worker removes it, and evicts what the cache has beyond limits.cache_bytes.
 */

#include "reconciler/loop.h"

enum collecting {
	COLLECTING_DRY_RUN = 1, /* only tell what would go */
	COLLECTING_LEFTOVERS =
		2, /* also work folders that --on-error=abort left for somebody to look at */
};
/*
 * Begins it in LOOP. CLIENT (may be NULL: then nobody is told) gets one item, {"dry_run", "bytes", "freed", "removed":
 * [...]}, and its end.
 */
int collecting_begin(struct loop *loop, struct head *head, struct client *client, unsigned flags,
	struct error *err);
