/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/watched.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "reconciler/acceptance.h"
#include "reconciler/announce.h"
#include "reconciler/daemon.h"
#include "reconciler/git/fetch/url.h"
#include "reconciler/fetching.h"
#include "reconciler/notify.h"
#include "reconciler/pass.h"
#include "reconciler/planning.h"
#include "reconciler/watch.h"
#include "reconciler/world.h"

enum {
	LIMITED_MOST = 100,     /* more than so many images are planned with all the others */
	SETTLE_USEC = 2 * 1000, /* one push moves several files */
	TRY_AGAIN_SEC = 5,      /* after a pass in which something failed; doubled each time */
	TRY_AGAIN_MOST_SEC = 5 * 60,
	ACCURACY_USEC = 1000 * 1000, /* timers that have time share their wake-ups */
};

struct watched {
	struct loop *loop;
	struct head *head;
	struct service_repository *configured;
	struct watch *watch;
	sd_event_source *soon, *poll, *due, *retry;
	struct task *pass;      /* that is under way, or NULL */
	struct task *fetching;  /* likewise, of a remote */
	struct task *accepting; /* a look waits until it is known whether its commit is accepted */
	bool fetch_again;       /* something was told while it ran */
	bool fetch_failed;      /* the last one */
	char looked_at
		[OBJECT_ID_HEX_SIZE]; /* the commit of the last pass that was begun; "": none was */
	struct strings again;         /* images to be planned whatever the commit is */
	bool whole;                   /* the next look plans every image */
	bool refused;                 /* that commit was not accepted */
	int64_t due_usec;             /* when the next one is to come of itself; 0: never */
	int64_t try_again_sec;        /* grows while passes fail */
	int64_t polled_usec;          /* when it was looked at last, and could be */
	bool tried;                   /* to look at it */
	int64_t planning_usec;        /* how long its last plan took */
	char *trouble;                /* what stood in the way at the last look; NULL: nothing */
	struct map blocked;           /* image -> not NULL: it is, and that was told */
	bool told_blocked;            /* what was blocked before this daemon is nobody's news */
};

const char *watched_name(const struct watched *watched)
{
	return watched->configured->name;
}

bool watched_was_looked_at(const struct watched *watched)
{
	return watched->tried;
}

static void note_tried(struct watched *watched)
{
	watched->tried = true;
	daemon_note_looked(watched->head->daemon);
}

void watched_describe(const struct watched *watched, struct json *poll, int64_t *planning_usec)
{
	json_set_text(poll, "repository", watched_name(watched));
	json_set_integer(poll, "usec", watched->polled_usec);
	if (watched->planning_usec > *planning_usec)
		*planning_usec = watched->planning_usec;
}

/* ---- when ---- */

static bool is_set(sd_event_source *timer)
{
	int enabled;

	return sd_event_source_get_enabled(timer, &enabled) >= 0 && enabled != SD_EVENT_OFF;
}

static void set_due(struct watched *watched, int64_t usec)
{
	watched->due_usec = usec;
	if (!usec) {
		sd_event_source_set_enabled(watched->due, SD_EVENT_OFF);
		return;
	}
	/* by the clock on the wall, which may be set, and goes on while the machine sleeps; the world's may run apart from the machine's */
	int64_t at_usec = moment_now_usec() + usec - world->now_usec();
	sd_event_source_set_time(watched->due, at_usec > 0 ? (uint64_t)at_usec : 0);
	sd_event_source_set_enabled(watched->due, SD_EVENT_ONESHOT);
}

static void set_due_by(struct watched *watched, int64_t usec)
{
	if (usec && (!watched->due_usec || usec < watched->due_usec))
		set_due(watched, usec);
}

static void try_again(struct watched *watched)
{
	int64_t wait_sec = watched->try_again_sec ? watched->try_again_sec * 2 : TRY_AGAIN_SEC;

	watched->try_again_sec = wait_sec < TRY_AGAIN_MOST_SEC ? wait_sec : TRY_AGAIN_MOST_SEC;
	if (is_set(watched->retry))
		return;
	sd_event_source_set_time_relative(
		watched->retry, (uint64_t)watched->try_again_sec * 1000000);
	sd_event_source_set_enabled(watched->retry, SD_EVENT_ONESHOT);
}

void watched_look(struct watched *watched, bool whole)
{
	watched->whole |= whole;
	/* what comes while it settles does not put it off: a stream of pushes would for ever */
	if (is_set(watched->soon))
		return;
	sd_event_source_set_time_relative(watched->soon, SETTLE_USEC);
	sd_event_source_set_enabled(watched->soon, SD_EVENT_ONESHOT);
}

static void fetched(void *context, struct client *client, const struct error *failure);

/* A remote is fetched first; one fetch at a time, and what is asked for meanwhile comes after it. */
static void fetch(struct watched *watched)
{
	struct fetch_request request = {.url = watched->configured->url,
		.configured = watched->configured,
		.over = fetched,
		.context = watched};
	struct error err;

	if (watched->fetching) {
		watched->fetch_again = true;
		return;
	}
	watched->fetch_again = false;
	watched->fetching = fetching_begin(watched->loop, watched->head, &request, &err);
	if (!watched->fetching)
		fetched(watched, NULL, &err);
}

void watched_poll(struct watched *watched)
{
	if (remote_url_is_remote(watched->configured->url))
		fetch(watched);
	else
		watched_look(watched, false);
}

static void on_change(void *context)
{
	watched_look(context, false);
}

/* ---- looking ---- */

/* Said once, until it is another trouble or over. */
static void note_trouble(struct watched *watched, const char *text)
{
	struct announced about = {.repository = watched_name(watched)};

	if (text && (!watched->trouble || strcmp(watched->trouble, text) != 0))
		announce(ANNOUNCE_TROUBLE, &about, "%s", text);
	else if (!text && watched->trouble)
		announce(ANNOUNCE_PASS, &about, "can be read again");
	free(watched->trouble);
	watched->trouble = text ? memory_copy_text(text) : NULL;
}

static void planned(void *context, const char *image, const char *why)
{
	struct watched *watched = context;
	bool before = map_find(&watched->blocked, image) != NULL;
	struct notice notice = {.event = why ? "blocked" : "recovered",
		.repository = watched_name(watched),
		.image = image,
		.text = why ? why : "it is not blocked any more"};

	if (before == (why != NULL))
		return;
	map_set(&watched->blocked, image, why ? watched : NULL);
	if (watched->told_blocked)
		notify(watched->head, &notice);
}

static void over(void *context, const struct pass_end *end)
{
	struct watched *watched = context;
	struct announced about = {.repository = watched_name(watched)};

	watched->pass = NULL;
	watched->told_blocked = true;
	if (watched->whole)
		watched_look(watched, true);
	watched->refused = end->refusal != NULL;
	if (end->refusal)
		announce(ANNOUNCE_TROUBLE, &about, "%s", end->refusal);
	if (end->moved->count || end->failed)
		announce(ANNOUNCE_PASS, &about, "commit %.12s: %s", end->commit, end->text);
	if (end->cancelled)
		return;
	set_due_by(watched, end->next_usec);
	if (end->failed) {
		try_again(watched);
		return;
	}
	watched->try_again_sec = 0;
	if (end->moved->count > LIMITED_MOST) {
		watched_look(watched, true);
	} else if (end->moved->count) {
		/* is all well with them now, and when is the next due? */
		strings_add_all(&watched->again, end->moved);
		watched_look(watched, false);
	}
}

/*
 * The images whose definitions differ between what was looked at last and COMMIT; false: all are to be planned. Of a commit that was
 * not accepted nothing was done: what differs from it does not say what is to be done.
 */
static bool find_touched(struct watched *watched, struct repository *repository,
	const struct commit *commit, struct strings *names)
{
	CLEANUP(commit_clear) struct commit before = {0};
	struct error ignored;

	if (watched->whole || !watched->looked_at[0] ||
		source_resolve(repository->source, watched->looked_at, &before, &ignored) < 0 ||
		acceptance_check(repository, &before.id, &ignored) <= 0 ||
		planning_find_touched(repository, &before, commit, names, &ignored) < 0 ||
		names->count > LIMITED_MOST) {
		strings_clear(names);
		return false;
	}
	return true;
}

static int begin_pass(struct watched *watched, struct repository *repository,
	const struct commit *commit, const char *hex, struct error *err)
{
	struct pass_options options = {.place = watched_name(watched),
		.planned = planned,
		.over = over,
		.context = watched};

	options.limited = find_touched(watched, repository, commit, &options.names);
	if (options.limited && !options.names.count && !watched->again.count) {
		strcpy(watched->looked_at, hex);
		return repository_set_commit(watched->head->store, repository->id, hex, err);
	}
	if (watched->pass)
		pass_abandon(watched->loop, watched->pass, &watched->again);
	if (options.limited)
		strings_add_all(&options.names, &watched->again);
	strings_sort(&options.names);
	strings_unique(&options.names);
	watched->whole = watched->refused = false;
	strings_clear(&watched->again);
	if (!options.limited) {
		set_due(watched, 0);
		sd_event_source_set_enabled(watched->retry, SD_EVENT_OFF);
	}
	int64_t began_usec = moment_elapsed_usec();
	watched->pass = pass_begin_unasked(watched->loop, watched->head, &options, err);
	watched->planning_usec = moment_elapsed_usec() - began_usec;
	if (!watched->pass)
		return -1;
	strcpy(watched->looked_at, hex);
	return 0;
}

static int look_at(struct watched *watched, struct repository *repository, struct error *err)
{
	CLEANUP(commit_clear) struct commit commit = {0};
	char hex[OBJECT_ID_HEX_SIZE];

	if (!repository->mirror &&
		watch_set(watched->watch, source_git_folder(repository->source), repository->ref))
		watched_look(watched, false);
	if (repository_resolve(repository, NULL, &commit, err) < 0)
		return -1;
	object_id_hex(&commit.id, hex);
	int accepted = acceptance_check(repository, &commit.id, err);
	if (accepted < 0)
		return -1;
	bool same = strcmp(hex, watched->looked_at) == 0;
	/* the operator may have allowed its key */
	if (same && watched->refused && accepted)
		watched->whole = true;
	bool more = (watched->whole || watched->again.count) && !watched->pass;
	if (same && !more)
		return 0;
	return begin_pass(watched, repository, &commit, hex, err);
}

static int look(struct watched *watched, struct error *err)
{
	struct repository repository;
	const char *place = watched->configured->url;

	if (repository_open(watched->head, watched_name(watched), NULL, &repository, err) < 0) {
		/* it may come back */
		if (watch_set(watched->watch,
			    text_starts_with(place, "file://") ? place + 7 : place, ""))
			watched_look(watched, false);
		return -1;
	}
	int result = look_at(watched, &repository, err);
	repository_close(&repository);
	return result;
}

static void on_accepted(void *context, struct client *client)
{
	struct watched *watched = context;

	(void)client;
	watched->accepting = NULL;
	watched_look(watched, false);
}

static int on_soon(sd_event_source *source, uint64_t usec, void *context)
{
	struct watched *watched = context;
	struct error err;

	(void)source;
	(void)usec;
	if (daemon_is_draining(watched->head->daemon))
		return 0;
	if (!watched->looked_at[0] && watched->fetching && !watched->fetch_failed)
		return 0; /* soon there is something newer to look at */
	int result = look(watched, &err);
	if (result < 0 && acceptance_is_coming(watched->head, &err)) {
		if (!watched->accepting)
			watched->accepting =
				acceptance_wait(watched->head, NULL, on_accepted, watched);
		return 0;
	}
	note_tried(watched);
	if (result == 0) {
		watched->polled_usec = world->now_usec();
		if (!watched->fetch_failed)
			note_trouble(watched, NULL);
		return 0;
	}
	/* that it could not be fetched was said, and is why */
	if (!watched->fetch_failed || watched->looked_at[0])
		note_trouble(watched, err.text);
	try_again(watched);
	return 0;
}

static void fetched(void *context, struct client *client, const struct error *failure)
{
	struct watched *watched = context;

	(void)client;
	watched->fetching = NULL;
	watched->fetch_failed = failure != NULL;
	if (failure) {
		note_tried(watched);
		note_trouble(watched, failure->text);
		try_again(watched);
		/* what was fetched by a daemon before this one is there, and some of it may be due */
		if (!watched->looked_at[0])
			watched_look(watched, true);
	} else {
		/* nothing was planned before the first fetch, and all is to be */
		watched_look(watched, !watched->looked_at[0]);
	}
	if (watched->fetch_again)
		fetch(watched);
}

static int on_poll(sd_event_source *source, uint64_t usec, void *context)
{
	struct watched *watched = context;

	(void)usec;
	sd_event_source_set_time_relative(source, watched->configured->poll_sec * 1000000);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	watched_poll(watched);
	return 0;
}

/* Something is due, or is to be tried again. */
static int on_due(sd_event_source *source, uint64_t usec, void *context)
{
	struct watched *watched = context;

	(void)usec;
	if (source == watched->due)
		watched->due_usec = 0;
	if (watched->fetch_failed)
		watched_poll(watched);
	watched_look(watched, true);
	return 0;
}

/* ---- beginning and end ---- */

static sd_event_source *new_timer(struct watched *watched, clockid_t clock, uint64_t accuracy_usec,
	sd_event_time_handler_t handler)
{
	sd_event_source *source = NULL;

	sd_event_add_time(
		loop_event(watched->loop), &source, clock, 0, accuracy_usec, handler, watched);
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return source;
}

struct watched *watched_new(
	struct loop *loop, struct head *head, struct service_repository *configured)
{
	struct watched *watched = memory_new(sizeof(*watched));

	*watched = (struct watched){
		.loop = loop, .head = head, .configured = service_repository_hold(configured)};
	watched->watch = watch_new(loop_event(loop), on_change, watched);
	watched->soon = new_timer(watched, CLOCK_MONOTONIC, 1, on_soon);
	watched->poll = new_timer(watched, CLOCK_MONOTONIC, ACCURACY_USEC, on_poll);
	watched->due = new_timer(watched, CLOCK_REALTIME, ACCURACY_USEC, on_due);
	watched->retry = new_timer(watched, CLOCK_MONOTONIC, ACCURACY_USEC, on_due);
	on_poll(watched->poll, 0, watched);
	return watched;
}

void watched_free(struct watched *watched)
{
	if (watched->pass)
		pass_abandon(watched->loop, watched->pass, &watched->again);
	if (watched->fetching)
		fetching_abandon(watched->fetching);
	if (watched->accepting)
		acceptance_stop_waiting(watched->accepting);
	watch_free(watched->watch);
	sd_event_source_disable_unref(watched->soon);
	sd_event_source_disable_unref(watched->poll);
	sd_event_source_disable_unref(watched->due);
	sd_event_source_disable_unref(watched->retry);
	service_repository_release(watched->configured);
	strings_clear(&watched->again);
	map_clear(&watched->blocked);
	free(watched->trouble);
	free(watched);
}
