/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/collecting.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "reconciler/child.h"
#include "reconciler/elsewhere.h"
#include "reconciler/world.h"

enum {
	ANSWER_MOST = 64 * 1024 * 1024,
	STRAY_DAYS =
		1, /* a folder that no store knows is somebody's until it was left alone so long */
};

struct collector {
	struct task task; /* first: tasks are collectings */
	struct child *child;
	int said, answer; /* what the worker writes to */
	unsigned flags;
};

/* ---- what may go ---- */

static void add_folder(struct json *list, const char *build, const char *why)
{
	autofree char *path = memory_printf("builds/%s", build);
	struct json *entry = json_new_object();

	json_set_text(entry, "path", path);
	json_set_text(entry, "why", why);
	json_add(list, entry);
}

static int add_if_old(struct head *head, int builds, const char *name, unsigned flags,
	struct json *list, struct error *err)
{
	int64_t now_usec = world->now_usec();
	int64_t day_usec = (int64_t)24 * 3600 * 1000000;
	struct build_record build;
	struct stat status;
	int found = build_find(head->store, name, &build, err);

	if (found < 0)
		return -1;
	if (!found) {
		if (fstatat(builds, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
			now_usec - (int64_t)status.st_mtim.tv_sec * 1000000 > STRAY_DAYS * day_usec)
			add_folder(list, name, "of no build that is known");
		return 0;
	}
	bool rests = !phase_is_under_way(build.phase), left = false;
	autofree char *work = memory_printf("%s/work", name);
	/* its journal says what is left in a cloud */
	if (elsewhere_has(head, name, &left, err) < 0) {
		build_record_clear(&build);
		return -1;
	}
	if (rests && build.ended_usec &&
		now_usec - build.ended_usec > head->service.limits.log_days * day_usec && !left)
		add_folder(list, name, "limits.log_days");
	else if (rests && (flags & COLLECTING_LEFTOVERS) && file_exists(builds, work))
		add_folder(list, work, "left by a build that is over");
	build_record_clear(&build);
	return 0;
}

static int list_old(struct head *head, unsigned flags, struct json *list, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};
	autofree char *path = memory_printf("%s/builds", head->state);
	autoclose int folder = folder_open(AT_FDCWD, path, err);

	if (folder < 0 || folder_list(folder, ".", &names, err) < 0)
		return -1;
	strings_each (name, &names)
		if (add_if_old(head, folder, name, flags, list, err) < 0)
			return -1;
	return 0;
}

/* ---- the worker ---- */

static void tell(struct client *client, int answer, bool dry_run)
{
	CLEANUP(text_clear) struct text text = {0};
	struct json *json;
	struct error err;

	if (lseek(answer, 0, SEEK_SET) < 0 || file_read_fd(answer, ANSWER_MOST, &text, &err) < 0 ||
		json_parse_bytes(text_get(&text), text.size, &json, &err) < 0) {
		client_fail(client, &err, 1);
		return;
	}
	json_set_bool(json, "dry_run", dry_run);
	client_item(client, json);
	client_end(client, 0);
}

static void tell_failure(struct client *client, int said)
{
	CLEANUP(text_clear) struct text text = {0};
	struct error err, ignored;

	if (lseek(said, 0, SEEK_SET) == 0)
		file_read_fd(said, 4096, &text, &ignored);
	text_add_char(&text, '\0');
	error_set(&err, ERROR_BROKEN, "%.*s", (int)strcspn(text_get(&text), "\n"), text_get(&text));
	client_fail(client, &err, 1);
}

static bool advance(struct loop *loop, struct task *task)
{
	struct collector *collecting = (struct collector *)task;
	int code;

	(void)loop;
	if (!child_has_ended(collecting->child, &code))
		return false;
	if (task->client && code == 0)
		tell(task->client, collecting->answer, collecting->flags & COLLECTING_DRY_RUN);
	else if (task->client)
		tell_failure(task->client, collecting->said);
	task->done = true;
	return true;
}

static void cancel(struct loop *loop, struct task *task)
{
	struct collector *collecting = (struct collector *)task;

	(void)loop;
	child_kill(collecting->child);
}

static void collecting_free(struct task *task)
{
	struct collector *collecting = (struct collector *)task;

	child_free(collecting->child);
	cleanup_close(&collecting->said);
	cleanup_close(&collecting->answer);
	free(collecting);
}

static int start(
	struct collector *collecting, struct loop *loop, struct head *head, struct error *err)
{
	autojson struct json *order = json_new_object();
	struct json *list = json_new_list();

	json_set(order, "remove", list);
	json_set_text(order, "state", head->state);
	json_set_integer(order, "cache_bytes", head->service.limits.cache_bytes);
	json_set_integer(order, "subid_base", head->service.limits.subid_base);
	json_set_bool(order, "dry_run", collecting->flags & COLLECTING_DRY_RUN);
	if (list_old(head, collecting->flags, list, err) < 0)
		return -1;
	collecting->said = memfd_create("said", MFD_CLOEXEC);
	collecting->answer = memfd_create("answer", MFD_CLOEXEC);
	struct worker_streams streams = {collecting->answer, collecting->said};
	collecting->child = worker_start(loop, "--collect", order, &streams, err);
	return collecting->child ? 0 : -1;
}

int collecting_begin(struct loop *loop, struct head *head, struct client *client, unsigned flags,
	struct error *err)
{
	struct collector *collecting = memory_new(sizeof(*collecting));

	*collecting = (struct collector){
		.task = {client, false, NULL, advance, NULL, NULL, cancel, collecting_free},
		.said = -1,
		.answer = -1,
		.flags = flags};
	if (start(collecting, loop, head, err) < 0) {
		collecting_free(&collecting->task);
		return -1;
	}
	loop_add_task(loop, &collecting->task);
	return 0;
}
