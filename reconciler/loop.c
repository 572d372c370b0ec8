/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/loop.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/acceptance.h"
#include "reconciler/child.h"
#include "reconciler/daemon.h"
#include "reconciler/drive.h"
#include "reconciler/follow.h"
#include "reconciler/server.h"
#include "reconciler/verbs/verbs.h"
#include "reconciler/worker_unit.h"

enum { EXTRA_WORKERS = 4 }; /* short jobs do not wait for long ones */

struct loop {
	struct head *head;
	sd_event *event;
	sd_event_source *soon;
	struct server *server;
	struct followers followers;
	struct replacement *replacements;
	struct task *tasks;
	bool daemon, ending;
};

static int fail_event(struct error *err, int result, const char *what)
{
	return fail(err, ERROR_BROKEN, "%s: %s", what, strerror(-result));
}

/* ---- replacements and tasks ---- */

static int on_soon(sd_event_source *source, void *context)
{
	(void)source;
	(void)context;
	return 0; /* the step that follows every event does the work */
}

void loop_wake(struct loop *loop)
{
	if (loop->soon)
		sd_event_source_set_enabled(loop->soon, SD_EVENT_ONESHOT);
	else
		sd_event_add_defer(loop->event, &loop->soon, on_soon, loop);
}

static void wake(void *context)
{
	loop_wake(context);
}

struct sd_event *loop_event(struct loop *loop)
{
	return loop->event;
}

void loop_add_task(struct loop *loop, struct task *task)
{
	struct task **at = &loop->tasks;

	while (*at)
		at = &(*at)->next;
	*at = task;
	loop_wake(loop);
}

void loop_add_replacement(struct loop *loop, struct replacement *replacement, struct task *task)
{
	struct replacement **at = &loop->replacements;

	while (*at)
		at = &(*at)->next;
	*at = replacement;
	replacement->task = task;
	loop_wake(loop);
}

struct replacement *loop_find_replacement(struct loop *loop, int64_t image)
{
	for (struct replacement *r = loop->replacements; r; r = r->next)
		if (r->build.image == image && r->run.job != JOB_REMOVE && !r->cold)
			return r;
	return NULL;
}

struct replacement *loop_next_replacement(struct loop *loop, struct replacement *before)
{
	return before ? before->next : loop->replacements;
}

struct replacement *loop_find_build(struct loop *loop, const char *build)
{
	for (struct replacement *r = loop->replacements; r; r = r->next)
		if (strcmp(r->build.id, build) == 0)
			return r;
	return NULL;
}

bool loop_has_room(const struct loop *loop, enum job_kind job)
{
	int64_t alive = 0, most = loop->head->service.limits.builds;

	for (const struct replacement *r = loop->replacements; r; r = r->next)
		alive += r->run.state == RUN_ALIVE;
	if (job != JOB_BUILD && job != JOB_VALIDATE && job != JOB_COMPARE)
		most += EXTRA_WORKERS;
	return alive < most;
}

void loop_cancel(struct loop *loop, struct replacement *replacement, const char *why)
{
	if (!replacement->unwanted)
		replacement->unwanted = memory_copy_text(why);
	loop_wake(loop);
}

void loop_cancel_all(struct loop *loop, const struct task *task, const char *why)
{
	for (struct replacement *r = loop->replacements; r; r = r->next)
		if (r->task == task)
			loop_cancel(loop, r, why);
}

void loop_release_replacements(struct loop *loop, const struct task *task)
{
	for (struct replacement *r = loop->replacements; r; r = r->next)
		if (r->task == task) {
			r->task = NULL;
			r->settings = NULL;
		}
}

bool loop_has_replacements(const struct loop *loop, const struct task *task)
{
	for (const struct replacement *r = loop->replacements; r; r = r->next)
		if (r->task == task)
			return true;
	return false;
}

static void end_replacement(struct loop *loop, struct replacement *replacement)
{
	autofree char *folder = replacement_folder(replacement);

	for (struct replacement **at = &loop->replacements; *at; at = &(*at)->next) {
		if (*at != replacement)
			continue;
		*at = replacement->next;
		break;
	}
	follow_complete(&loop->followers, folder);
	if (replacement->task && replacement->task->ended)
		replacement->task->ended(loop, replacement->task, replacement);
	drive_stop_watching(replacement);
	replacement_free(replacement);
}

static bool drive_all(struct loop *loop)
{
	struct replacement *next;
	bool changed = false;

	for (struct replacement *r = loop->replacements; r; r = next) {
		bool ended;
		next = r->next;
		changed |= drive(r, loop, loop->event, r->task, &ended);
		if (ended)
			end_replacement(loop, r);
	}
	return changed;
}

static bool advance_tasks(struct loop *loop)
{
	bool changed = false;

	for (struct task **at = &loop->tasks; *at;) {
		struct task *task = *at;
		if (!task->done)
			changed |= task->advance(loop, task);
		if (!task->done || loop_has_replacements(loop, task)) {
			at = &task->next;
			continue;
		}
		*at = task->next;
		task->free(task);
		changed = true;
	}
	/* a plan of everything needs much for a moment; a daemon is to be small for months */
	if (changed && loop->daemon && !loop->tasks)
		malloc_trim(0);
	return changed;
}

/* ---- clients ---- */

static void answer(struct loop *loop, struct client *client);

static void answer_again(void *context, struct client *client)
{
	if (client)
		answer(context, client);
}

/* Where something must be found out first, nothing of this try is said, and it is made once more. */
static void answer(struct loop *loop, struct client *client)
{
	const struct verb *verb = verb_find(client_verb(client));
	size_t said = client_said(client);
	struct error err;

	if (!verb) {
		error_set(&err, ERROR_BROKEN, "there is no verb %s", client_verb(client));
		client_fail(client, &err, 2);
	} else if (verb->run(loop->head, client, &err) < 0) {
		if (!acceptance_is_coming(loop->head, &err)) {
			client_fail(client, &err, 1);
			return;
		}
		client_take_back(client, said);
		acceptance_wait(loop->head, client, answer_again, loop);
	}
}

static void asked(void *context, struct client *client)
{
	answer(context, client);
	loop_wake(context);
}

/* What its tasks run is killed, and those builds are cancelled; NULL: everybody's. */
static void stop_now(struct loop *loop, const struct client *client)
{
	for (struct replacement *r = loop->replacements; r; r = r->next) {
		if (client && (!r->task || r->task->client != client))
			continue;
		loop_cancel(loop, r, "stopped");
		drive_kill(r);
	}
}

static void interrupted(void *context, struct client *client, bool again)
{
	struct loop *loop = context;
	bool waits = false;

	if (again)
		stop_now(loop, client);
	for (struct task *task = loop->tasks; task; task = task->next) {
		if (task->client != client)
			continue;
		waits = true;
		if (!task->done)
			task->cancel(loop, task);
	}
	/* nothing of its own is under way: there is nothing to wait for */
	if (!waits)
		client_end(client, 1);
	loop_wake(loop);
}

static void left(void *context, struct client *client)
{
	struct loop *loop = context;

	for (struct task *task = loop->tasks; task; task = task->next) {
		if (task->client != client)
			continue;
		task->client = NULL;
		/* who was answered before the end leaves nothing that is unwanted */
		if (!task->done && !client->ended)
			task->cancel(loop, task);
	}
	follow_drop(&loop->followers, client);
	const struct verb *verb = client->request ? verb_find(client_verb(client)) : NULL;
	if (loop->head->daemon && verb && verb->changes)
		daemon_look(loop->head->daemon);
	loop_wake(loop);
}

int loop_add_client(struct loop *loop, struct client *client, struct error *err)
{
	return server_add(loop->server, client, err);
}

void loop_follow_log(struct loop *loop, struct client *client, const char *build, bool from_start)
{
	autofree char *folder = memory_printf("%s/builds/%s", loop->head->state, build);

	follow_add(&loop->followers, loop->event, folder, client, from_start, wake, loop);
}

void loop_catch_up_log(struct loop *loop, const char *build)
{
	autofree char *folder = memory_printf("%s/builds/%s", loop->head->state, build);

	follow_catch_up(&loop->followers, folder);
}

/* ---- the loop itself ---- */

/* A daemon leaves its workers to the next one; a one-shot cleans up as if its client had asked it to. */
static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct loop *loop = context;

	(void)source;
	(void)info;
	if (!loop->daemon && loop->ending)
		stop_now(loop, NULL);
	for (struct task *task = loop->tasks; task && !loop->daemon; task = task->next)
		task->cancel(loop, task);
	loop->ending = true;
	loop_wake(loop);
	return 0;
}

static int watch_signals(struct loop *loop, struct error *err)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	int result = sd_event_add_signal(loop->event, NULL, SIGTERM, on_terminate, loop);
	if (result >= 0)
		result = sd_event_add_signal(loop->event, NULL, SIGINT, on_terminate, loop);
	return result < 0 ? fail_event(err, result, "signals") : 0;
}

int loop_new(struct head *head, struct loop **loop, struct error *err)
{
	struct loop *made = memory_new(sizeof(*made));
	struct server_hooks hooks = {asked, interrupted, left, made};

	made->head = head;
	int result = sd_event_new(&made->event);
	if (result < 0 || watch_signals(made, err) < 0 ||
		server_new(made->event, head->state, &hooks, &made->server, err) < 0) {
		loop_free(made);
		return result < 0 ? fail_event(err, result, "an event loop") : -1;
	}
	head->loop = made;
	*loop = made;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	server_free(loop->server);
	follow_drop(&loop->followers, NULL);
	for (struct replacement *r = loop->replacements, *next; r; r = next) {
		next = r->next;
		drive_stop_watching(r);
		replacement_free(r);
	}
	for (struct task *task = loop->tasks, *next; task; task = next) {
		next = task->next;
		task->free(task);
	}
	child_forget_orphans();
	unit_forget_bus();
	sd_event_source_disable_unref(loop->soon);
	sd_event_unref(loop->event);
	loop->head->loop = NULL;
	free(loop);
}

int loop_adopt(struct loop *loop, struct replacement *replacement, struct error *err)
{
	if (drive_adopt(replacement, loop, loop->event, err) < 0) {
		replacement_free(replacement);
		return -1;
	}
	loop_add_replacement(loop, replacement, NULL);
	return 0;
}

static bool is_over(const struct loop *loop)
{
	if (loop->daemon)
		return loop->ending;
	return !server_has_clients(loop->server) && !loop->tasks && !loop->replacements;
}

int loop_run(struct loop *loop, bool daemon, struct error *err)
{
	loop->daemon = daemon;
	for (;;) {
		bool changed;
		do {
			changed = drive_all(loop);
			changed |= advance_tasks(loop);
			changed |= server_flush(loop->server);
		} while (changed);
		if (follow_go_on(&loop->followers))
			loop_wake(loop);
		if (is_over(loop))
			return 0;
		int result = sd_event_run(loop->event, UINT64_MAX);
		if (result < 0)
			return fail_event(err, result, "the event loop");
	}
}
