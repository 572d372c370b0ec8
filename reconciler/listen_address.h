/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where a program of ours listens, as operators write it. */

#include <stdbool.h>
#include <sys/socket.h>

struct listen_address {
	struct sockaddr_storage socket;
	socklen_t size;
	bool is_local; /* no other machine reaches it: a loopback address or a unix socket */
};
/* "127.0.0.1:8480", "[::1]:8480", "unix:/path"; false if it is none. */
bool listen_address_parse(const char *text, struct listen_address *address);
