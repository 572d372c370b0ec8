/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/daemon.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "reconciler/announce.h"
#include "reconciler/companion.h"
#include "reconciler/notify.h"
#include "reconciler/resume.h"
#include "reconciler/watched.h"
#include "reconciler/world.h"

enum { PATIENCE_SEC = 30 };

struct daemon {
	struct head *head;
	struct loop *loop;
	struct watched **items; /* one for each configured repository */
	size_t count;
	struct companion *companion; /* NULL: somebody else starts kiln-web */
	sd_event_source *hangup;
	sd_event_source *patience; /* until it is ready though a remote did not answer yet */
	bool ready;
	bool draining;
};

void daemon_look(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->count; i++)
		watched_look(daemon->items[i], true);
}

bool daemon_poll(struct daemon *daemon, const char *name)
{
	bool found = !name;

	for (size_t i = 0; i < daemon->count; i++) {
		if (name && strcmp(watched_name(daemon->items[i]), name) != 0)
			continue;
		found = true;
		watched_poll(daemon->items[i]);
	}
	return found;
}

void daemon_describe(const struct daemon *daemon, struct json *answer)
{
	struct json *polls = json_new_list();
	int64_t planning_usec = 0;

	for (size_t i = 0; i < daemon->count; i++) {
		struct json *poll = json_new_object();
		watched_describe(daemon->items[i], poll, &planning_usec);
		json_add(polls, poll);
	}
	json_set(answer, "polls", polls);
	json_set(answer, "last_plan_seconds", json_new_real((double)planning_usec / 1e6, 6));
}

/* ---- what is configured ---- */

static void drop_all(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->count; i++)
		watched_free(daemon->items[i]);
	free(daemon->items);
	daemon->items = NULL;
	daemon->count = 0;
}

static void watch_all(struct daemon *daemon)
{
	const struct service *service = &daemon->head->service;

	daemon->items = memory_new((service->repository_count + 1) * sizeof(*daemon->items));
	for (size_t i = 0; i < service->repository_count; i++)
		daemon->items[daemon->count++] =
			watched_new(daemon->loop, daemon->head, service->repositories[i]);
	daemon_look(daemon);
}

static int read_again(struct daemon *daemon, struct error *err)
{
	struct service *service = &daemon->head->service, fresh;

	if (service_read(daemon->head->config, &fresh, err) < 0)
		return -1;
	if (strcmp(fresh.state ? fresh.state : "", service->state ? service->state : "") != 0) {
		service_clear(&fresh);
		return fail(err, ERROR_CATALOG,
			"the state folder cannot change while kilnd runs: restart it for that");
	}
	/* what runs goes on; the passes that begin now take it over, or give it up */
	drop_all(daemon);
	service_clear(service);
	*service = fresh;
	daemon->draining = false;
	watch_all(daemon);
	if (daemon->companion)
		companion_reload(daemon->companion);
	loop_wake(daemon->loop); /* freezes may be over */
	return 0;
}

int daemon_reload(struct daemon *daemon, struct error *err)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)moment_elapsed_usec());
	int result = read_again(daemon, err);
	sd_notify(0, "READY=1");
	if (result == 0)
		announce(ANNOUNCE_RELOADED, NULL,
			"the configuration was read again: %zu repositories", daemon->count);
	else
		announce(
			ANNOUNCE_TROUBLE, NULL, "%s; the configuration stays as it was", err->text);
	return result;
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct error ignored;

	(void)source;
	(void)info;
	daemon_reload(context, &ignored);
	return 0;
}

/* ---- draining ---- */

void daemon_drain(struct daemon *daemon)
{
	daemon->draining = true;
	sd_notify(0, "STATUS=drained: nothing new is begun");
	loop_wake(daemon->loop);
}

bool daemon_is_draining(const struct daemon *daemon)
{
	return daemon && daemon->draining;
}

/* ---- readiness ---- */

static int get_ready(sd_event_source *source, uint64_t usec, void *context)
{
	struct daemon *daemon = context;

	(void)source;
	(void)usec;
	if (!daemon->ready)
		sd_notify(0, "READY=1");
	daemon->ready = true;
	return 0;
}

void daemon_note_looked(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->count; i++)
		if (!watched_was_looked_at(daemon->items[i]))
			return;
	get_ready(NULL, 0, daemon);
}

/* ---- running ---- */

static int begin(struct daemon *daemon, struct error *err)
{
	sd_event *event = loop_event(daemon->loop);
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	int result = sd_event_add_signal(event, &daemon->hangup, SIGHUP, on_hangup, daemon);
	if (result >= 0)
		result = sd_event_add_time_relative(event, &daemon->patience, CLOCK_MONOTONIC,
			(uint64_t)PATIENCE_SEC * 1000000, 0, get_ready, daemon);
	if (result >= 0)
		result = sd_event_set_watchdog(event, true);
	if (result < 0)
		return fail(err, ERROR_BROKEN, "the service: %s", strerror(-result));
	if (resume(daemon->loop, daemon->head, RESUME_ALL, err) < 0 ||
		notify_resume(daemon->head, err) < 0)
		return -1;
	watch_all(daemon);
	return 0;
}

int daemon_run(struct head *head, bool with_web, struct error *err)
{
	struct daemon daemon = {.head = head};
	struct loop *loop;

	if (loop_new(head, &loop, err) < 0)
		return -1;
	daemon.loop = loop;
	head->daemon = &daemon;
	announce_begin();
	int result = begin(&daemon, err);
	if (result == 0) {
		announce(ANNOUNCE_STARTED, NULL,
			"kiln %s watches %zu repositories, its state is in %s", KILN_VERSION,
			daemon.count, head->state);
		daemon_note_looked(&daemon);
		daemon.companion = with_web ? companion_new(loop, head) : NULL;
		result = loop_run(loop, true, err);
		sd_notify(0, "STOPPING=1");
	}
	companion_free(daemon.companion);
	drop_all(&daemon);
	sd_event_source_disable_unref(daemon.hangup);
	sd_event_source_disable_unref(daemon.patience);
	loop_free(loop);
	head->daemon = NULL;
	announce(ANNOUNCE_STOPPED, NULL,
		"stopped; what builds goes on, for the next one to take over");
	return result;
}
