/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bringing the commits of a remote repository into its mirror. kiln-fetch does it, with a deadline, so that no server can keep the
 * head waiting.
 */

#include "reconciler/loop.h"

struct fetch_request {
	const char *url;
	struct service_repository *configured; /* NULL: nobody configured it */
	/* At the end: FAILURE is NULL if the mirror is as the remote is. CLIENT is NULL if he is gone. */
	void (*over)(void *context, struct client *client, const struct error *failure);
	void *context;
	struct client *client; /* who waits for it: it is ended when he leaves; NULL: nobody does */
};

/* The task lives until `over` was called; NULL on failure, and then it is not. */
struct task *fetching_begin(struct loop *loop, struct head *head,
	const struct fetch_request *request, struct error *err);
/* Ends it without a word. */
void fetching_abandon(struct task *task);
