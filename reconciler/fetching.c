/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/fetching.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "reconciler/announce.h"
#include "reconciler/child.h"
#include "reconciler/credentials.h"
#include "reconciler/repository.h"

enum {
	DEADLINE_SEC = 300, /* kiln-fetch keeps it itself */
	GRACE_SEC = 10,     /* behind it */
	ANSWER_MOST = 1024 * 1024,
};

struct fetching {
	struct task task; /* first: tasks are fetchings */
	struct head *head;
	struct fetch_request request;
	struct child *child;
	sd_event_source *overdue;
	int answer;
};

/* ---- the order ---- */

/* What the store knows of the repository: the ref that is followed, and the commits that must stay. */
static int add_known(struct head *head, const struct fetch_request *request, struct json *order,
	struct error *err)
{
	CLEANUP(strings_clear) struct strings pins = {0};
	struct json *refs = json_new_list(), *kept = json_new_list();
	struct repository_record record;
	const char *ref = request->configured ? request->configured->ref : NULL;
	autofree char *place = repository_place(head, request->url, request->configured);
	int found = repository_find_by_place(head->store, place, &record, err);

	json_set(order, "refs", refs);
	json_set(order, "pins", kept);
	/* a place that the store does not know has none, and takes none from the one that it knew the mirror by */
	json_set_text(order, "pins_of", place);
	if (found < 0)
		return -1;
	if (ref || found)
		json_add_text(refs, ref ? ref : record.ref);
	int result = found ? builds_commits(head->store, record.id, &pins, err) : 0;
	if (found)
		repository_record_clear(&record);
	strings_each (pin, &pins)
		json_add_text(kept, pin);
	return result;
}

static int make_order(struct head *head, const struct fetch_request *request, struct json *order,
	struct error *err)
{
	autofree char *mirror = repository_mirror(head, request->url, request->configured);

	if (repository_move_mirror(head, request->url, request->configured, err) < 0)
		return -1;
	json_set_text(order, "url", request->url);
	json_set_text(order, "mirror", mirror);
	json_set_integer(order, "deadline_sec", DEADLINE_SEC);
	if (request->configured && request->configured->credentials)
		json_set(order, "credentials",
			credentials_to_json(request->configured->credentials));
	return add_known(head, request, order, err);
}

/* ---- the answer ---- */

/* Their images live on; what cannot be shown any more is what they were made of. */
static void tell_missing(const struct fetching *fetching, const struct json *commits)
{
	CLEANUP(strings_clear) struct strings list = {0};

	for (size_t i = 0; i < json_count(commits); i++)
		strings_add(&list, json_text(json_item(commits, i), ""));
	if (!list.count)
		return;
	autofree char *joined = strings_join(&list, " ");
	autofree char *text = memory_printf(
		"%s: commits that images came from are neither in its mirror nor there any more: %s",
		fetching->request.url, joined);
	if (fetching->task.client)
		client_note(fetching->task.client, "%s", text);
	/* a poll finds the same as the one before */
	const char *said = map_find(&fetching->head->missing, fetching->request.url);
	if (said && strcmp(said, text) == 0)
		return;
	announce(ANNOUNCE_TROUBLE, NULL, "%s", text);
	map_set(&fetching->head->missing, fetching->request.url, TAKE(text));
}

static int read_answer(const struct fetching *fetching, struct error *err)
{
	CLEANUP(text_clear) struct text text = {0};
	autojson struct json *answer = NULL;

	if (lseek(fetching->answer, 0, SEEK_SET) < 0 ||
		file_read_fd(fetching->answer, ANSWER_MOST, &text, err) < 0 ||
		json_parse_bytes(text_get(&text), text.size, &answer, err) < 0)
		return fail(err, ERROR_TRANSIENT, "%s: kiln-fetch ended without an answer",
			fetching->request.url);
	const char *what = json_get_text(answer, "error", NULL);
	if (!what) {
		tell_missing(fetching, json_get(answer, "missing_pins"));
		return 0;
	}
	enum error_kind kind = error_kind_find(json_get_text(answer, "kind", ""));
	return fail(err, kind, "%s", what);
}

static bool advance(struct loop *loop, struct task *task)
{
	struct fetching *fetching = (struct fetching *)task;
	struct error err;
	int code;

	(void)loop;
	if (!child_has_ended(fetching->child, &code))
		return false;
	task->done = true;
	int result = read_answer(fetching, &err);
	if (fetching->request.over)
		fetching->request.over(
			fetching->request.context, task->client, result < 0 ? &err : NULL);
	return true;
}

static void cancel(struct loop *loop, struct task *task)
{
	struct fetching *fetching = (struct fetching *)task;

	(void)loop;
	child_kill(fetching->child);
}

static void free_fetching(struct task *task)
{
	struct fetching *fetching = (struct fetching *)task;

	if (fetching->child)
		child_free(fetching->child);
	sd_event_source_disable_unref(fetching->overdue);
	cleanup_close(&fetching->answer);
	service_repository_release(fetching->request.configured);
	free((char *)fetching->request.url);
	free(fetching);
}

/* ---- beginning ---- */

static int on_overdue(sd_event_source *source, uint64_t usec, void *context)
{
	struct fetching *fetching = context;

	(void)source;
	(void)usec;
	child_kill(fetching->child);
	return 0;
}

static int start(struct fetching *fetching, struct loop *loop, struct head *head, struct error *err)
{
	autojson struct json *order = json_new_object();

	if (make_order(head, &fetching->request, order, err) < 0)
		return -1;
	fetching->answer = memfd_create("answer", MFD_CLOEXEC);
	struct child_program program = {"kiln-fetch", NULL, order, fetching->answer, STDERR_FILENO};
	fetching->child = child_start(loop, &program, err);
	if (!fetching->child)
		return -1;
	int result = sd_event_add_time_relative(loop_event(loop), &fetching->overdue,
		CLOCK_MONOTONIC, (uint64_t)(DEADLINE_SEC + GRACE_SEC) * 1000000, 1000000,
		on_overdue, fetching);
	return result < 0 ? fail(err, ERROR_BROKEN, "cannot set a timer: %s", strerror(-result))
	                  : 0;
}

struct task *fetching_begin(struct loop *loop, struct head *head,
	const struct fetch_request *request, struct error *err)
{
	struct fetching *fetching = memory_new(sizeof(*fetching));

	*fetching = (struct fetching){
		.task = {request->client, false, NULL, advance, NULL, NULL, cancel, free_fetching},
		.head = head,
		.request = *request,
		.answer = -1};
	fetching->request.url = memory_copy_text(request->url);
	if (request->configured)
		service_repository_hold(request->configured);
	if (start(fetching, loop, head, err) < 0) {
		free_fetching(&fetching->task);
		return NULL;
	}
	loop_add_task(loop, &fetching->task);
	return &fetching->task;
}

void fetching_abandon(struct task *task)
{
	struct fetching *fetching = (struct fetching *)task;

	fetching->request.over = NULL;
	child_kill(fetching->child);
}
