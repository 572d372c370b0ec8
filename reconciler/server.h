/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* STATE/control.sock and those who came over it: bytes in and out; what they ask for is the loop's business. */

#include "reconciler/client.h"

struct sd_event;
struct server;

struct server_hooks {
	/* A request came, whole. */
	void (*asked)(void *context, struct client *client);
	/* The client wants no more of what it asked; AGAIN: and cannot wait for it to be cleaned up. */
	void (*interrupted)(void *context, struct client *client, bool again);
	/* It is gone, answered or not, and is freed after this. */
	void (*left)(void *context, struct client *client);
	void *context;
};

/*
 * Listens in STATE, for its owner, and at $KILN_SHARED_SOCKET, if that is set, for its folder's group too. HOOKS are copied.
 */
int server_new(struct sd_event *event, const char *state, const struct server_hooks *hooks,
	struct server **server, struct error *err);
/* Takes the socket away, and every client. */
void server_free(struct server *server);
/* Takes over CLIENT, which came another way; a request that it has already is asked. */
int server_add(struct server *server, struct client *client, struct error *err);
/* Sends what is queued and lets go of those that are answered or gone; true if any was. */
bool server_flush(struct server *server);
bool server_has_clients(const struct server *server);
