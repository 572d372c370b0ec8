/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/polls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"

enum {
	APART_USEC = 200 * 1000, /* two polls of one repository */
	RETRY_USEC = 250 * 1000,
	RETRY_MOST_USEC = 5 * 1000 * 1000,
	REFUSALS_MOST = 3, /* kilnd knows better what it does not have */
};

struct wanted {
	char *repository;
	bool is;
	int64_t not_before_usec, retry_usec;
	int refusals;
	struct wanted *next;
};

struct polls {
	struct kilnd *kilnd;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct wanted *first;
	int64_t passed_on;
	bool stopping;
};

/* The one that is to be asked for first. NULL: none is wanted. Called with the lock. */
static struct wanted *find_next(struct polls *polls)
{
	struct wanted *next = NULL;

	for (struct wanted *item = polls->first; item; item = item->next)
		if (item->is && (!next || item->not_before_usec < next->not_before_usec))
			next = item;
	return next;
}

static int ask(struct polls *polls, const char *repository, struct error *err)
{
	struct json *arguments = json_new_object();
	autojson struct json *ignored = NULL;

	json_set_text(arguments, "repository", repository);
	return kilnd_ask(polls->kilnd, "poll", arguments, &ignored, err);
}

/* Called with the lock; RESULT and ERR are what asking gave. */
static void note_result(
	struct polls *polls, struct wanted *item, int result, const struct error *err)
{
	item->not_before_usec = moment_elapsed_usec() + APART_USEC;
	if (result == 0) {
		polls->passed_on++;
		item->retry_usec = item->refusals = 0;
		return;
	}
	if (err->kind == ERROR_CATALOG && ++item->refusals >= REFUSALS_MOST) {
		fprintf(stderr, "kiln-web: a poll of %s is given up: %s\n", item->repository,
			err->text);
		item->retry_usec = item->refusals = 0;
		return;
	}
	if (!item->retry_usec)
		fprintf(stderr, "kiln-web: a poll of %s waits: %s\n", item->repository, err->text);
	item->is = true;
	item->retry_usec = item->retry_usec ? 2 * item->retry_usec : RETRY_USEC;
	if (item->retry_usec > RETRY_MOST_USEC)
		item->retry_usec = RETRY_MOST_USEC;
	item->not_before_usec = moment_elapsed_usec() + item->retry_usec;
}

static void *pass_on(void *context)
{
	struct polls *polls = context;

	pthread_mutex_lock(&polls->lock);
	while (!polls->stopping) {
		struct wanted *item = find_next(polls);
		struct error err;
		if (!item) {
			pthread_cond_wait(&polls->changed, &polls->lock);
			continue;
		}
		int64_t at_usec = item->not_before_usec;
		if (at_usec > moment_elapsed_usec()) {
			struct timespec until = {at_usec / 1000000, at_usec % 1000000 * 1000};
			pthread_cond_timedwait(&polls->changed, &polls->lock, &until);
			continue;
		}
		/* what is wanted from now on was perhaps not there when kilnd looked */
		item->is = false;
		pthread_mutex_unlock(&polls->lock);
		int result = ask(polls, item->repository, &err);
		pthread_mutex_lock(&polls->lock);
		note_result(polls, item, result, &err);
	}
	pthread_mutex_unlock(&polls->lock);
	return NULL;
}

int polls_start(struct kilnd *kilnd, struct polls **polls, struct error *err)
{
	struct polls *made = memory_new(sizeof(*made));
	pthread_condattr_t attributes;

	made->kilnd = kilnd;
	pthread_mutex_init(&made->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&made->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	if (pthread_create(&made->thread, NULL, pass_on, made) != 0)
		return fail(err, ERROR_RESOURCE, "no thread can be made");
	*polls = made;
	return 0;
}

void polls_stop(struct polls *polls)
{
	if (!polls)
		return;
	pthread_mutex_lock(&polls->lock);
	polls->stopping = true;
	pthread_cond_signal(&polls->changed);
	pthread_mutex_unlock(&polls->lock);
	pthread_join(polls->thread, NULL);
	for (struct wanted *item = polls->first, *next; item; item = next) {
		next = item->next;
		free(item->repository);
		free(item);
	}
	pthread_mutex_destroy(&polls->lock);
	pthread_cond_destroy(&polls->changed);
	free(polls);
}

void polls_want(struct polls *polls, const char *repository)
{
	struct wanted *item;

	pthread_mutex_lock(&polls->lock);
	for (item = polls->first; item; item = item->next)
		if (strcmp(item->repository, repository) == 0)
			break;
	if (!item) {
		item = memory_new(sizeof(*item));
		*item = (struct wanted){
			.repository = memory_copy_text(repository), .next = polls->first};
		polls->first = item;
	}
	item->is = true;
	pthread_cond_signal(&polls->changed);
	pthread_mutex_unlock(&polls->lock);
}

void polls_count(struct polls *polls, int64_t *passed_on, int64_t *waiting)
{
	*waiting = 0;
	pthread_mutex_lock(&polls->lock);
	*passed_on = polls->passed_on;
	for (const struct wanted *item = polls->first; item; item = item->next)
		*waiting += item->is;
	pthread_mutex_unlock(&polls->lock);
}
