/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/companion.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/process.h"
#include "reconciler/announce.h"
#include "reconciler/child.h"
#include "reconciler/worker.h"

enum { PAUSE_SEC = 1, PAUSE_MOST_SEC = 60 }; /* before it is started again; doubled each time */

struct companion {
	struct loop *loop;
	struct head *head;
	char *address;       /* where it listens; NULL: it does not run */
	struct child *child; /* NULL: it does not run now */
	sd_event_source *pause;
	int64_t pause_sec;
};

static int begin(struct companion *companion, struct error *err);

static void begin_or_tell(struct companion *companion)
{
	struct error err;

	if (begin(companion, &err) < 0)
		announce(ANNOUNCE_TROUBLE, NULL, "kiln-web cannot be started: %s", err.text);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *context)
{
	(void)source;
	(void)usec;
	begin_or_tell(context);
	return 0;
}

static void on_end(void *context, int code)
{
	struct companion *companion = context;
	char how[64];

	child_free(TAKE(companion->child));
	announce(ANNOUNCE_TROUBLE, NULL, "kiln-web ended (%s); it is started again in %lld seconds",
		process_describe(code, how), (long long)companion->pause_sec);
	companion->pause = sd_event_source_disable_unref(companion->pause);
	sd_event_add_time_relative(loop_event(companion->loop), &companion->pause, CLOCK_MONOTONIC,
		companion->pause_sec * 1000000, 100000, on_pause_over, companion);
	companion->pause_sec *= 2;
	if (companion->pause_sec > PAUSE_MOST_SEC)
		companion->pause_sec = PAUSE_MOST_SEC;
}

static int begin(struct companion *companion, struct error *err)
{
	autofree char *program = worker_find_program("kiln-web");
	autofree char *parent = memory_printf("%d", (int)getpid());
	const char *arguments[8] = {program, "--parent", parent, "--state", companion->head->state};
	struct process_options options = PROCESS_OPTIONS;

	if (companion->head->config) {
		arguments[5] = "--config";
		arguments[6] = companion->head->config;
	}
	options.arguments = arguments;
	options.errors = STDERR_FILENO;
	companion->child = child_run(companion->loop, &options, err);
	if (!companion->child)
		return -1;
	child_tell(companion->child, on_end, companion);
	return 0;
}

/* Nobody waits for it: one that does not end when it is asked to is made to. */
static void end(struct companion *companion)
{
	companion->pause = sd_event_source_disable_unref(companion->pause);
	child_dismiss(TAKE(companion->child));
	free(companion->address);
	companion->address = NULL;
}

void companion_reload(struct companion *companion)
{
	const char *address = companion->head->service.listen.address;

	if (address && companion->address && strcmp(address, companion->address) == 0) {
		child_signal(companion->child, SIGHUP);
		return;
	}
	end(companion);
	companion->pause_sec = PAUSE_SEC;
	if (!address)
		return;
	companion->address = memory_copy_text(address);
	begin_or_tell(companion);
}

struct companion *companion_new(struct loop *loop, struct head *head)
{
	struct companion *companion = memory_new(sizeof(*companion));

	*companion = (struct companion){.loop = loop, .head = head};
	companion_reload(companion);
	return companion;
}

void companion_free(struct companion *companion)
{
	if (!companion)
		return;
	/* the next kilnd wants its address */
	child_finish(TAKE(companion->child));
	end(companion);
	free(companion);
}
