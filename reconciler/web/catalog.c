/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"

enum {
	HOLDS_USEC = 1000 * 1000,
	HOLDS_TIMES = 10
}; /* at least, and of what asking took: kilnd has other things to do */

struct catalogs {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct catalog *newest; /* NULL: none */
	bool asking;            /* somebody does */
	struct error failure;   /* of the last time, if there is no newest */
	int64_t failed_usec;
	int64_t holds_usec;
};

struct catalogs *catalogs_new(void)
{
	struct catalogs *catalogs = memory_new(sizeof(*catalogs));

	pthread_mutex_init(&catalogs->lock, NULL);
	pthread_cond_init(&catalogs->changed, NULL);
	return catalogs;
}

static void catalog_free(struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->count; i++) {
		struct catalog_row *row = &catalog->rows[i];
		free(row->name);
		free(row->repository);
		free(row->state);
		free(row->commit);
		free(row->reason);
	}
	free(catalog->rows);
	free(catalog);
}

/* Called with the lock, as all below. */
static void drop(struct catalog *catalog)
{
	if (catalog && --catalog->references == 0)
		catalog_free(catalog);
}

void catalogs_free(struct catalogs *catalogs)
{
	if (!catalogs)
		return;
	drop(catalogs->newest);
	pthread_mutex_destroy(&catalogs->lock);
	pthread_cond_destroy(&catalogs->changed);
	free(catalogs);
}

static char *copy(const struct json *image, const char *key)
{
	const char *text = json_get_text(image, key, NULL);

	return text ? memory_copy_text(text) : NULL;
}

static int64_t read_moment(const struct json *image, const char *key)
{
	const char *text = json_get_text(image, key, NULL);
	int64_t usec;

	return text && moment_parse(text, &usec) == 0 ? usec : 0;
}

const char *catalog_state(const char *phase, bool has_live)
{
	bool passed = strcmp(phase, "superseded") == 0 || strcmp(phase, "unneeded") == 0 ||
	              strcmp(phase, "retiring") == 0 || strcmp(phase, "retired") == 0;

	return passed && has_live ? "live" : phase;
}

static struct catalog *make(const struct json *answer)
{
	struct catalog *catalog = memory_new(sizeof(*catalog));
	const struct json *images = json_get(answer, "images");

	catalog->references = 1;
	catalog->read_usec = moment_elapsed_usec();
	catalog->rows = memory_new(json_count(images) * sizeof(*catalog->rows));
	for (size_t i = 0; i < json_count(images); i++) {
		const struct json *image = json_item(images, i);
		catalog->rows[catalog->count++] = (struct catalog_row){
			.name = memory_copy_text(json_get_text(image, "name", "")),
			.repository = memory_copy_text(json_get_text(image, "repository", "")),
			.state = memory_copy_text(catalog_state(json_get_text(image, "phase", ""),
				json_get_integer(image, "live", 0) != 0)),
			.commit = copy(image, "commit"),
			.reason = copy(image, "reason"),
			.live = json_get_integer(image, "live", 0),
			.since_usec = read_moment(image, "since"),
			.next_usec = read_moment(image, "next"),
			.held = json_get_boolean(image, "held", false)};
	}
	return catalog;
}

static void ask(struct catalogs *catalogs, struct kilnd *kilnd)
{
	autojson struct json *answer = NULL;
	struct catalog *made = NULL;
	struct error err;

	int64_t began_usec = moment_elapsed_usec();

	catalogs->asking = true;
	pthread_mutex_unlock(&catalogs->lock);
	if (kilnd_ask(kilnd, "status", json_new_object(), &answer, &err) == 0)
		made = make(answer);
	pthread_mutex_lock(&catalogs->lock);
	catalogs->asking = false;
	drop(catalogs->newest);
	catalogs->newest = made;
	catalogs->holds_usec = HOLDS_TIMES * (moment_elapsed_usec() - began_usec);
	if (catalogs->holds_usec < HOLDS_USEC)
		catalogs->holds_usec = HOLDS_USEC;
	if (!made) {
		catalogs->failure = err;
		catalogs->failed_usec = moment_elapsed_usec();
	}
	pthread_cond_broadcast(&catalogs->changed);
}

static bool is_fresh(const struct catalogs *catalogs, int64_t since_usec)
{
	int64_t usec = catalogs->newest ? catalogs->newest->read_usec : catalogs->failed_usec;

	return usec && (usec >= since_usec ||
			       (catalogs->newest && usec + catalogs->holds_usec > since_usec));
}

const struct catalog *catalogs_get(
	struct catalogs *catalogs, struct kilnd *kilnd, struct error *err)
{
	int64_t now_usec = moment_elapsed_usec();

	pthread_mutex_lock(&catalogs->lock);
	while (!is_fresh(catalogs, now_usec)) {
		if (catalogs->asking)
			pthread_cond_wait(&catalogs->changed, &catalogs->lock);
		else
			ask(catalogs, kilnd);
	}
	struct catalog *catalog = catalogs->newest;
	if (catalog)
		catalog->references++;
	else
		*err = catalogs->failure;
	pthread_mutex_unlock(&catalogs->lock);
	return catalog;
}

void catalogs_release(struct catalogs *catalogs, const struct catalog *catalog)
{
	pthread_mutex_lock(&catalogs->lock);
	drop((struct catalog *)catalog);
	pthread_mutex_unlock(&catalogs->lock);
}

void catalogs_expire(struct catalogs *catalogs)
{
	pthread_mutex_lock(&catalogs->lock);
	if (catalogs->newest)
		catalogs->newest->read_usec = 1 - catalogs->holds_usec;
	pthread_mutex_unlock(&catalogs->lock);
}
