/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP: connections, requests and responses. Everything of libmicrohttpd is behind this header. A thread for each
 * connection, so what waits keeps nobody else; how many there are, and how long each may take, is bounded here.
 */

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strings.h"
#include "base/text.h"

struct route;
struct http;

/* Where a request comes from. IPv6 counts by its network (/64), a unix socket as one. */
struct http_peer {
	unsigned char key[16];
};

enum { SESSION_TEXT_SIZE = 65 };

struct request {
	const char *method; /* HEAD is GET */
	const char *path;   /* unescaped */
	const char *rest;   /* of the path, behind the route's */
	const struct route *route;
	struct http_peer peer;
	bool is_local;    /* it came to an address that only this machine reaches */
	bool is_unix;     /* over a unix socket */
	bool too_large;   /* the body; what came of it is not kept */
	struct text body; /* if the route wants it */
	void *hook;       /* hook.c's, while a body comes in */
	bool signed_in;
	char session[SESSION_TEXT_SIZE];    /* its id */
	char form_token[SESSION_TEXT_SIZE]; /* what its forms carry */
	void *connection;                   /* http.c's */
	struct tracked *tracked;
	bool asked; /* all headers are there */
};

/* The first header of that name, or the value behind NAME in the query; NULL if there is none. */
const char *request_header(const struct request *request, const char *name);
const char *request_query(const struct request *request, const char *name);
/* A field of the form in the body; "" if there is none. The caller frees. */
char *request_form(const struct request *request, const char *name);
/* A cookie; NULL if there is none. */
const char *request_cookie(const struct request *request, const char *name);

/* What comes back. Made by the handler; its texts are taken over. */
struct response {
	int status;       /* 0: nothing was said yet */
	const char *type; /* static; NULL: text/plain */
	struct text body;
	struct strings headers; /* name, value, name, value ... */
	/*
	 * Instead of a body: NEXT adds what comes next to OUT, waiting for it if it must; false at the end. END is called once,
	 * when it is over or the other side is gone.
	 */
	bool (*next)(void *stream, struct text *out);
	void (*end)(void *stream);
	void *stream;
};
void response_header(struct response *response, const char *name, const char *value);
/* A line of text. */
void response_text(struct response *response, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* 303: the browser goes there with GET. */
void response_redirect(struct response *response, const char *where);

struct route {
	const char *method;
	const char *path; /* one that ends in '/' stands for all below it too, but "/" */
	size_t body_most; /* more is refused; 0: none is wanted */
	/* Before the body: sets RESPONSE to refuse it. May be NULL. */
	void (*begin)(void *web, struct request *request, struct response *response);
	/* A piece of the body, in place of keeping it. May be NULL. */
	void (*take)(struct request *request, const void *bytes, size_t size);
	void (*answer)(void *web, struct request *request, struct response *response);
	/* What begin made. May be NULL. */
	void (*end)(struct request *request);
};

struct http_options {
	const struct route *routes; /* ended by a pathless one */
	void *web;
	/* For every request, before its route; sets RESPONSE to refuse it. */
	void (*admit)(void *web, struct request *request, struct response *response);
	/* Every response, as it goes. */
	void (*answered)(void *web, const struct request *request, struct response *response);
	int connections_most, connections_each; /* in all, and of one address */
	atomic_int *connections;                /* counts those that are open */
	int64_t request_usec;                   /* a request must be there whole within */
	int64_t response_usec;                  /* and its response taken within */
};

/* Serves FD, a listening socket, which it takes over. */
int http_start(int fd, const struct http_options *options, struct http **http, struct error *err);
/* Every connection ends; waits for those who are answering. */
void http_stop(struct http *http);
