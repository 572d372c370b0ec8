/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* kiln-web: what all of its requests share. */

#include <pthread.h>
#include <stdatomic.h>

#include "reconciler/service_listen.h"
#include "reconciler/web/ask.h"
#include "reconciler/web/http.h"
#include "reconciler/web/limiter.h"
#include "reconciler/web/polls.h"
#include "reconciler/web/secret.h"

enum { LISTENERS_MOST = 8 };

/* A hook with its secrets. */
struct hook {
	char *repository;
	enum hook_kind kind;
	struct secret *secrets;
	size_t secret_count;
};

/* What the service's file says, with the files that it names; replaced as a whole. */
struct web_settings {
	char *address;       /* NULL: none is named */
	char *state;         /* NULL: not said */
	struct secret token; /* no bytes: there is none */
	struct strings hosts;
	struct strings repositories;
	struct hook *hooks;
	size_t hook_count;
};
int web_settings_read(const char *config, struct web_settings *settings, struct error *err);
void web_settings_clear(struct web_settings *settings);

enum hook_result {
	HOOK_ACCEPTED, /* a poll is wanted */
	HOOK_IGNORED,  /* a ping, or an event that changes no ref */
	HOOK_REPLAYED,
	HOOK_REFUSED,
	HOOK_UNKNOWN,
	HOOK_LIMITED,
	HOOK_RESULT_COUNT
};

struct sessions;
struct replays;
struct catalogs;

struct web {
	struct kilnd kilnd;
	pthread_rwlock_t lock; /* of settings */
	struct web_settings settings;
	struct secret nobody; /* what hooks of unknown repositories are compared with */
	struct limiter *hook_limiter, *login_limiter;
	struct replays *replays;
	struct sessions *sessions;
	struct polls *polls;
	struct catalogs *catalogs;
	struct http *listeners[LISTENERS_MOST];
	size_t listener_count;
	char *bound; /* the path of a socket of our own; NULL: none */
	atomic_llong hooks[HOOK_RESULT_COUNT];
	atomic_llong responses[6]; /* by hundreds */
	atomic_int connections, streams, screens;
	atomic_llong ready_usec; /* when kilnd answered last */
	int stopping;            /* readable once kiln-web is to end */
};

/* Everything that kiln-web answers. */
extern const struct route web_routes[];
