/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Answers that take their time: made and sent piece by piece, so that nobody else waits for the end of one, and a client that
 * does not read costs a piece and not the whole.
 */

#include "reconciler/client.h"
#include "reconciler/head.h"

struct pieces {
	/* Says a little more to CLIENT: 1 there is more, 0 that was all, -1. Returns after milliseconds. */
	int (*next)(void *context, struct client *client, struct error *err);
	void (*free)(void *context);
	void *context;
};

/*
 * Answers CLIENT with PIECES, whose context is taken over, and ends it. Where no loop runs it waits until all is said; -1 then if that
 * failed, and the client is to be told.
 */
int pieces_send(
	struct head *head, struct client *client, const struct pieces *pieces, struct error *err);
