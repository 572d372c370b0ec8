/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The server of http_directory: a process of its own beside the worker, for as long as the build wants it. It reads nothing outside of the
 * folder, writes nothing, and answers GET and HEAD; it dies with the worker. Each request is a line in the job's log.
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
/* Ends it, and waits for that; nothing where there is none. */
void http_server_stop(struct http_server *server);
