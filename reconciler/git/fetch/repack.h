/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Every fetch leaves a pack, and looking an object up costs a look into each. Past a number of them all that the refs and
 * pins reach goes into one, and the others are removed. Readers, libgit2 and git alike, look again when a pack is gone.
 */

#include "base/error.h"
#include "reconciler/git/fetch/mirror.h"

/*
 * Between mirror_begin and mirror_finish, when the pins are those that are wanted now: what nothing reaches is gone then. What
 * fails leaves more packs than there need be, nothing worse.
 */
int repack_if_many(struct mirror *mirror, struct error *err);
