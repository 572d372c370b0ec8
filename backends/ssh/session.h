/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to backends/ssh: the communicator as it is, its connection, and the tunnels beside it. */

#include "backends/ssh/link.h"

struct ssh {
	struct communicator communicator;
	const struct ssh_settings *settings;
	const struct transfer *transfer;
	struct link *link; /* NULL: none, the next command makes one */
	struct known_host target, bastion;
	pid_t tunnels; /* the process that has a connection of its own for them; 0: none */
};

/* connect.c: connects, again and again until settings->timeout_nsec is over. The link is there on success. */
int ssh_connect(struct ssh *ssh, struct error *err);

/*
 * tunnels.c: starts the process that serves settings->local_tunnels and remote_tunnels; it is connected and listens when this returns. It connects
 * anew when its connection breaks, and dies with this one. Nothing is started where there are no tunnels.
 */
int tunnels_start(struct ssh *ssh, struct error *err);
void tunnels_stop(struct ssh *ssh);

/* tunnel.c: a listening socket of this machine's that leads through the host. */
struct tunnel_listener {
	int fd;
	const struct ssh_tunnel *tunnel;
};
/*
 * Serves LISTENERS, and what the host listens at for REMOTE, over LINK until that is lost: 0. READY is called when all of them are
 * there. -1 where the host does not listen (CATALOG).
 */
int tunnel_serve(struct link *link, const struct tunnel_listener *listeners, size_t count,
	const struct ssh_tunnels *remote, void (*ready)(void *context), void *context,
	struct error *err);
