/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The head of an HTTP request, as text: nothing here reads a socket or a file. Source: RFC 9110, RFC 9112. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HEAD_MOST = 16 * 1024 };

struct http_request {
	char *path;       /* decoded and made clean: "/", "/a/b"; never "..", never a NUL */
	bool slash;       /* there was one behind it */
	bool head;        /* HEAD: no content is wanted */
	bool keep;        /* the connection stays for another request */
	bool has_range;   /* one range of bytes: */
	int64_t first;    /* -1: the last LAST bytes */
	int64_t last;     /* -1: to the end */
	char *if_range;   /* NULL: none, as the next */
	char *if_changed; /* If-Modified-Since */
	char method[16];  /* for the log, also of one that is refused */
};
void http_request_clear(struct http_request *request);

/* How many of the SIZE bytes the first head takes, its empty line included; 0 if it is not whole yet. */
size_t http_request_end(const char *bytes, size_t size);
/* Reads HEAD. 0, or the status to answer: 400, 405 (not GET or HEAD), 505. Clear the request in any case. */
int http_request_read(const char *head, size_t size, struct http_request *request);
