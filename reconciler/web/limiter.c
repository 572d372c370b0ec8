/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/limiter.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { PEERS = 1024, WAYS = 4 }; /* remembered; those that hash alike are WAYS neighbours */

/* What is left of it fills by itself: `left` holds as of `usec`. */
struct bucket {
	struct http_peer peer;
	double left;
	int64_t usec; /* 0: nobody's */
};

struct limiter {
	struct limits limits;
	pthread_mutex_t lock;
	struct bucket all;
	struct bucket peers[PEERS];
};

struct limiter *limiter_new(const struct limits *limits)
{
	struct limiter *limiter = memory_new(sizeof(*limiter));

	limiter->limits = *limits;
	pthread_mutex_init(&limiter->lock, NULL);
	return limiter;
}

void limiter_free(struct limiter *limiter)
{
	if (!limiter)
		return;
	pthread_mutex_destroy(&limiter->lock);
	free(limiter);
}

/* Its own, an unused one, or that of whoever was quiet for the longest time. */
static struct bucket *find_bucket(struct limiter *limiter, const struct http_peer *peer)
{
	struct bucket *oldest = NULL;
	uint64_t hash = 1469598103934665603u; /* FNV-1a */

	for (size_t i = 0; i < sizeof(peer->key); i++)
		hash = (hash ^ peer->key[i]) * 1099511628211u;
	struct bucket *first = &limiter->peers[hash % (PEERS / WAYS) * WAYS];
	for (struct bucket *bucket = first; bucket < first + WAYS; bucket++) {
		if (bucket->usec && memcmp(&bucket->peer, peer, sizeof(*peer)) == 0)
			return bucket;
		if (!oldest || bucket->usec < oldest->usec)
			oldest = bucket;
	}
	*oldest = (struct bucket){.peer = *peer};
	return oldest;
}

static void fill(struct bucket *bucket, int most, int64_t period_usec, int64_t now_usec)
{
	double gained = (double)(now_usec - bucket->usec) / (double)period_usec * most;

	bucket->left = bucket->usec ? bucket->left + gained : most;
	if (bucket->left > most)
		bucket->left = most;
	bucket->usec = now_usec;
}

static int wait_of(const struct bucket *bucket, int most, int64_t period_usec)
{
	if (bucket->left >= 1)
		return 0;
	return 1 + (int)((1 - bucket->left) * (double)period_usec / most / 1e6);
}

static int look(struct limiter *limiter, const struct http_peer *peer, int64_t now_usec, int taken)
{
	const struct limits *limits = &limiter->limits;

	pthread_mutex_lock(&limiter->lock);
	struct bucket *own = find_bucket(limiter, peer);
	fill(own, limits->each, limits->period_usec, now_usec);
	fill(&limiter->all, limits->all, limits->period_usec, now_usec);
	int own_wait = wait_of(own, limits->each, limits->period_usec);
	int all_wait = wait_of(&limiter->all, limits->all, limits->period_usec);
	int wait = own_wait > all_wait ? own_wait : all_wait;
	if (!wait) {
		own->left -= taken;
		limiter->all.left -= taken;
	}
	pthread_mutex_unlock(&limiter->lock);
	return wait;
}

int limiter_count(struct limiter *limiter, const struct http_peer *peer, int64_t now_usec)
{
	return look(limiter, peer, now_usec, 1);
}

int limiter_look(struct limiter *limiter, const struct http_peer *peer, int64_t now_usec)
{
	return look(limiter, peer, now_usec, 0);
}
