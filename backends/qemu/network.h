/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The network of a closed machine that may fetch files of its build, in place of QEMU's own: kiln-network, a process of its own between
 * QEMU and the server of http_directory. Nothing else of this machine is reached.
 */

#include "backends/child.h"

#define NETWORK_HOST "10.0.2.2" /* this machine, as a machine on a user network sees it */
#define NETWORK_PORT_TAKEN "the port that leads to the machine is taken"
enum { NETWORK_FD = 3 }; /* kiln-network's end */

struct network_settings {
	const char
		*http_place; /* the folder of the server's socket, see http_server_start_unseen */
	int http_port;       /* of NETWORK_HOST, as the machine sees it */
	int host_port,
		guest_port; /* 127.0.0.1:HOST_PORT leads to GUEST_PORT; HOST_PORT 0: none does */
};

struct network {
	struct child child;
	int fd; /* QEMU's end */
};
#define NETWORK_NONE                          \
	{                                     \
		.child = CHILD_NONE, .fd = -1 \
	}

/*
 * It is ready when this returns. *PORT_TAKEN: another has HOST_PORT (kind TRANSIENT). It ends when nobody has QEMU's end open any
 * more.
 */
int network_start(struct network *network, struct job *job, const struct network_settings *settings,
	bool *port_taken, struct error *err);
void network_close(struct network *network);
