/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The server of http_directory: a process of its own beside the worker, for as long as the build wants it. It reads nothing outside of the
 * folder, writes nothing, and answers GET and HEAD; it dies with the worker. Each request is a line in the job's log.
 * It listens at a port, or at a socket in the build's folder that nobody else finds.
 */

#include "backends/job.h"

struct http_settings {
	const char *address;    /* numeric, IPv4 or IPv6; "" is 127.0.0.1 */
	int port_min, port_max; /* one of [min, max), or min if both are the same; 0 and 0: any */
};

struct http_server {
	pid_t pid; /* 0: none */
	int port;
};

/*
 * It listens when this returns. FOLDER (a descriptor, the caller's own) is what is served. Kind CATALOG for an address that cannot be, RESOURCE
 * if no port is free.
 */
int http_server_start(struct job *job, int folder, const struct http_settings *settings,
	struct http_server *server, struct error *err);
/*
 * The same, at the socket HTTP_SOCKET of a folder of the job's; *PLACE is its path, absolute, and the caller's to free. Whoever stands in that folder may
 * connect, and nobody else gets there. server->port is 0.
 */
#define HTTP_SOCKET "http.sock"
int http_server_start_unseen(
	struct job *job, int folder, struct http_server *server, char **place, struct error *err);
/* Ends it, and waits for that; nothing where there is none. */
void http_server_stop(struct http_server *server);
