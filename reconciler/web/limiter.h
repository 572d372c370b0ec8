/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How often somebody may be wrong: for each address, and for all together. Whoever is right is never counted and never
 * asked, so nobody can use up what is another's.
 */

#include "reconciler/web/http.h"

struct limiter;

/* EACH and ALL mistakes at once, and as many again in every period of that many microseconds. */
struct limits {
	int each, all;
	int64_t period_usec;
};
struct limiter *limiter_new(const struct limits *limits);
void limiter_free(struct limiter *limiter);
/* One mistake of PEER at NOW_USEC; the seconds until it may make another, 0: this one was within what it may. */
int limiter_count(struct limiter *limiter, const struct http_peer *peer, int64_t now_usec);
/* The same without a mistake. */
int limiter_look(struct limiter *limiter, const struct http_peer *peer, int64_t now_usec);
