/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a head before this one left under way is taken up again: read from the store, the ledger and the builds' folders at
 * every start and every pass, never remembered as a to-do.
 */

#include "reconciler/loop.h"

/* BUILDS: also those that are not published yet. What the loop has already stays as it is. */
int resume(struct loop *loop, struct head *head, bool builds, struct error *err);
