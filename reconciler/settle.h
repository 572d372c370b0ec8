/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a step of a replacement changes in the store: each in one transaction with its events. After it the world outside
 * is as the store says; a crash before it has the step done again.
 */

#include "reconciler/plan.h"
#include "reconciler/replacement.h"

/* Moves to phase TO with all that comes with it. */
int settle_move(
	struct replacement *replacement, enum phase to, int64_t now_usec, struct error *err);
/* The channels moved as ordered: the store follows, and the order is crossed out. */
int settle_order(struct replacement *replacement, int64_t now_usec, struct error *err);

/*
 * Writes the order into the ledger before anything moves, in place of an older one for the image. CHANNELS {NAME:
 * VERSION}; CATALOGS: all that VERSION is to be in; PUBLISH (may be NULL): those that lack it; QUARANTINE (may be NULL):
 * versions; WHY: the event's kind. Takes over all json.
 */
struct switch_order {
	const char *why;
	struct json *channels, *catalogs, *publish, *quarantine;
	struct json *
		following; /* the channels that follow `current` from now on; NULL: the same as before */
};
int settle_write_order(struct replacement *replacement, struct switch_order *order,
	int64_t now_usec, struct error *err);
