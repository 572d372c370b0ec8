/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a head before this one left under way is taken up again: read from the store, the ledger and the builds' folders at
 * every start and every pass, never remembered as a to-do.
 */

#include "reconciler/loop.h"

enum { RESUME_ALL = -1 };
/*
 * EARLY: whose builds that are not published yet go on too, beside those that are: an image's, RESUME_ALL, or nobody's (0).
 * What the loop has already stays as it is.
 */
int resume(struct loop *loop, struct head *head, int64_t early, struct error *err);
