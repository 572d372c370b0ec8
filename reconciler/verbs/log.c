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

enum { LINES_AT_ONCE = 1000 };

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

static int send_all(struct head *head, struct client *client, const char *build, struct error *err)
{
	autofree char *path = memory_printf("%s/builds/%s/log", head->state, build);
	autofree char *line = NULL;
	FILE *file = fopen(path, "re");
	size_t room = 0, lines = 0;
	ssize_t size;

	if (!file)
		return errno == ENOENT ? fail(err, ERROR_CATALOG,
						 "%s has no log: nothing was said, or "
						 "limits.log_days are over",
						 build)
		                       : fail_errno(err, ERROR_BROKEN, "%s", path);
	while ((size = getline(&line, &room, file)) > 0) {
		struct json *json;
		struct error ignored;
		if (line[size - 1] != '\n' || json_parse_bytes(line, size - 1, &json, &ignored) < 0)
			continue; /* being written, or half written when the worker was killed */
		client_log(client, json);
		if (!head->loop && ++lines % LINES_AT_ONCE == 0 &&
			message_flush_wait(&client->link, err) < 0)
			break;
	}
	fclose(file);
	return 0;
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
	if (send_all(head, client, build, err) < 0)
		return -1;
	client_end(client, 0);
	return 0;
}
