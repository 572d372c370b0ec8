/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/lookup.h"
#include "reconciler/loop.h"
#include "reconciler/pieces.h"

enum { BYTES_AT_ONCE = 128 * 1024 }; /* parsed and written again: a millisecond */

/* ---- one that grows ---- */

struct watching {
	struct task task; /* first: tasks are watchings */
	char *build;
};

static bool advance(struct loop *loop, struct task *task)
{
	struct watching *watching = (struct watching *)task;

	if (loop_find_build(loop, watching->build))
		return false;
	if (task->client)
		client_end(task->client, 0);
	task->done = true;
	return true;
}

/* Who stops watching has seen what he wanted. */
static void cancel(struct loop *loop, struct task *task)
{
	(void)loop;
	if (task->client)
		client_end(task->client, 0);
	task->done = true;
}

static void watching_free(struct task *task)
{
	struct watching *watching = (struct watching *)task;

	free(watching->build);
	free(watching);
}

static void watch(struct loop *loop, struct client *client, const char *build)
{
	struct watching *watching = memory_new(sizeof(*watching));

	*watching =
		(struct watching){{client, false, NULL, advance, NULL, NULL, cancel, watching_free},
			memory_copy_text(build)};
	loop_follow_log(loop, client, build, true);
	loop_add_task(loop, &watching->task);
}

/* ---- one that is there ---- */

struct reading {
	FILE *file;
	char *line;
	size_t room;
};

static int next_lines(void *context, struct client *client, struct error *err)
{
	struct reading *reading = context;
	ssize_t size;

	(void)err;
	for (size_t bytes = 0; bytes < BYTES_AT_ONCE; bytes += size) {
		struct json *json;
		struct error ignored;
		if ((size = getline(&reading->line, &reading->room, reading->file)) <= 0)
			return 0;
		/* one without an end is being written, or half written when the worker was killed */
		if (reading->line[size - 1] == '\n' &&
			json_parse_bytes(reading->line, size - 1, &json, &ignored) == 0)
			client_log(client, json);
	}
	return 1;
}

static void free_reading(void *context)
{
	struct reading *reading = context;

	fclose(reading->file);
	free(reading->line);
	free(reading);
}

static int send_all(struct head *head, struct client *client, const char *build, struct error *err)
{
	autofree char *path = memory_printf("%s/builds/%s/log", head->state, build);
	FILE *file = fopen(path, "re");

	if (!file)
		return errno == ENOENT ? fail(err, ERROR_CATALOG,
						 "%s has no log: nothing was said, or "
						 "limits.log_days are over",
						 build)
		                       : fail_errno(err, ERROR_BROKEN, "%s", path);
	struct reading *reading = memory_new(sizeof(*reading));
	*reading = (struct reading){.file = file};
	return pieces_send(head, client, &(struct pieces){next_lines, free_reading, reading}, err);
}

static int find_build(struct head *head, const char *word, char **build, struct error *err)
{
	struct build_record record = {0};
	int found = build_find(head->store, word, &record, err);

	if (found == 0) {
		CLEANUP(version_name_clear) struct version_name name = {0};
		if (lookup_version_name(head, word, &name, err) < 0)
			return -1;
		found = name.version ? build_find_version(head->store, name.image.id, name.version,
					       &record, err)
		                     : build_find_newest(head->store, name.image.id, &record, err);
	}
	if (found <= 0)
		return found < 0 ? -1 : fail(err, ERROR_CATALOG, "there is no build of %s", word);
	*build = memory_copy_text(record.id);
	build_record_clear(&record);
	return 0;
}

int verb_log(struct head *head, struct client *client, struct error *err)
{
	const struct json *arguments = client_arguments(client);
	autofree char *build = NULL;

	if (find_build(head, json_get_text(arguments, "image", ""), &build, err) < 0)
		return -1;
	if (json_get_boolean(arguments, "f", false) && head->loop &&
		loop_find_build(head->loop, build)) {
		watch(head->loop, client, build);
		return 0;
	}
	return send_all(head, client, build, err);
}
