/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/announce.h"
#include "reconciler/loop.h"
#include "reconciler/worker.h"
#include "reconciler/worker_unit.h"

enum {
	UNIT_GRACE_SEC = 120, /* behind the deadlines that the program and the head keep */
	DISMISSED_SEC = 5,
	NOT_STARTED = 127, /* as a shell has it */
	UNKNOWN = 128 + SIGKILL,
};

enum state { CHILD_STARTING, CHILD_RUNS, CHILD_ENDING, CHILD_ENDED };

struct child {
	struct loop *loop;
	enum state state;
	bool ours;     /* its code is to be had of the kernel */
	bool orphaned; /* nobody waits for it: it is freed at its end */
	bool tried_again;
	pid_t pid;  /* 0: none yet */
	int signal; /* for when there is one; 0: none */
	int code;
	sd_event_source *source, *timer;
	/* a unit's, and what starts it once more, or a session in its place */
	struct unit_run *unit;
	char *path, *flag, *name, *description;
	int input, output, errors;
	int64_t timeout_sec;
	struct child *next; /* orphan */
	void (*over)(void *context, int code);
	void *context;
};

static struct child *orphans;

/* ---- its end ---- */

static void really_free(struct child *child)
{
	unit_free(child->unit);
	sd_event_source_disable_unref(child->source);
	sd_event_source_disable_unref(child->timer);
	cleanup_close(&child->input);
	cleanup_close(&child->output);
	cleanup_close(&child->errors);
	free(child->path);
	free(child->flag);
	free(child->name);
	free(child->description);
	free(child);
}

static void note_end(struct child *child, int code)
{
	struct loop *loop = child->loop;

	child->code = code;
	child->state = CHILD_ENDED;
	child->source = sd_event_source_disable_unref(child->source);
	if (child->orphaned) {
		struct child **at = &orphans;
		while (*at != child)
			at = &(*at)->next;
		*at = child->next;
		really_free(child);
	} else if (child->over) {
		child->over(child->context, code);
	}
	loop_wake(loop);
}

static int reap(pid_t pid)
{
	int status;

	/* its pidfd says that it ended: this waits for nothing */
	if (waitpid(pid, &status, WNOHANG) != pid)
		return UNKNOWN;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void end(struct child *child)
{
	child->source = sd_event_source_disable_unref(child->source);
	child->state = CHILD_ENDING;
	if (child->unit)
		unit_ask_end(child->unit);
	else
		note_end(child, child->ours ? reap(child->pid) : UNKNOWN);
}

static int on_end(sd_event_source *source, int fd, uint32_t events, void *context)
{
	(void)source;
	(void)fd;
	(void)events;
	end(context);
	return 0;
}

static int on_gone(sd_event_source *source, void *context)
{
	(void)source;
	end(context);
	return 0;
}

static void send_signal(struct child *child, int signal)
{
	if (child->pid && signal == SIGKILL) {
		/* its session has one process group; what runs in its sandboxes dies with their first process */
		kill(-child->pid, SIGKILL);
		kill(child->pid, SIGKILL);
	} else if (child->pid) {
		kill(child->pid, signal);
	}
}

static int watch(struct child *child, struct error *err)
{
	sd_event *event = loop_event(child->loop);
	int fd = pidfd_open(child->pid, 0);

	child->state = CHILD_RUNS;
	/* of a unit that was quick there is nothing left but how it ended */
	int result = fd >= 0 ? sd_event_add_io(event, &child->source, fd, EPOLLIN, on_end, child)
	             : errno == ESRCH && child->unit
	                     ? sd_event_add_defer(event, &child->source, on_gone, child)
	                     : -errno;
	if (result < 0) {
		if (fd >= 0)
			close(fd);
		return fail(err, ERROR_TRANSIENT, "cannot watch the process %d: %s",
			(int)child->pid, strerror(-result));
	}
	if (fd >= 0)
		sd_event_source_set_io_fd_own(child->source, true);
	if (child->signal)
		send_signal(child, child->signal);
	return 0;
}

/* ---- beginning ---- */

static int run_as_session(struct child *child, struct error *err)
{
	const char *arguments[] = {child->path, child->flag, NULL};
	struct process_options options = PROCESS_OPTIONS;

	options.arguments = arguments;
	options.input = child->input;
	options.output = child->output;
	options.errors = child->errors;
	options.new_session = true;
	child->pid = process_start(&options, err);
	if (child->pid < 0) {
		child->pid = 0;
		return -1;
	}
	child->ours = true;
	return watch(child, err);
}

/* Where systemd starts nothing for us, builds go on as they do elsewhere; it is said once. */
static void announce_without_unit(const struct error *why)
{
	static bool announced;

	if (!announced)
		announce(ANNOUNCE_TROUBLE, NULL,
			"workers are started as sessions of kilnd, not as units: %s", why->text);
	announced = true;
}

static void close_streams(struct child *child)
{
	cleanup_close(&child->input);
	cleanup_close(&child->output);
	cleanup_close(&child->errors);
	child->input = child->output = child->errors = -1;
}

/* What fails now fails as a program that could not be started, and says so where it would have said why. */
static void give_up(struct child *child, const struct error *why)
{
	if (child->errors >= 0)
		dprintf(child->errors, "%s\n", why->text);
	close_streams(child);
	note_end(child, NOT_STARTED);
}

static int run_as_unit(struct child *child, struct error *err);

static void on_started(void *context, pid_t pid)
{
	struct child *child = context;
	struct error err;

	child->pid = pid;
	close_streams(child);
	if (watch(child, &err) == 0)
		return;
	announce(ANNOUNCE_TROUBLE, NULL, "%s", err.text);
	send_signal(child, SIGKILL);
	note_end(child, UNKNOWN);
}

static void on_failed(void *context, bool gone, const struct error *why)
{
	struct child *child = context;
	struct error err;

	unit_free(child->unit);
	child->unit = NULL;
	if (child->signal == SIGKILL) {
		close_streams(child);
		note_end(child, UNKNOWN);
		return;
	}
	/* between two starts the bus may have been restarted: our end of it is noticed by its use */
	if (gone && !child->tried_again) {
		child->tried_again = true;
		if (run_as_unit(child, &err) == 0)
			return;
	}
	announce_without_unit(why);
	if (run_as_session(child, &err) < 0)
		give_up(child, &err);
	else
		close_streams(child);
}

static void on_unit_end(void *context, int code)
{
	note_end(context, code < 0 ? UNKNOWN : code);
}

static int run_as_unit(struct child *child, struct error *err)
{
	static const struct unit_hooks hooks = {on_started, on_failed, on_unit_end};
	const char *arguments[] = {child->path, child->flag, NULL};
	struct worker_unit unit = {child->name, child->description, arguments, child->input,
		child->output, child->errors, child->timeout_sec};

	child->state = CHILD_STARTING;
	return unit_begin(loop_event(child->loop), &unit, &hooks, child, &child->unit, err);
}

static struct child *new_child(struct loop *loop)
{
	struct child *child = memory_new(sizeof(*child));

	*child = (struct child){.loop = loop, .input = -1, .output = -1, .errors = -1};
	return child;
}

static int copy_stream(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* As a unit it is for longer than this call: it has what it needs itself. */
static int describe(struct child *child, const struct child_program *program, struct error *err)
{
	const char *build = json_get_text(program->order, "build", NULL);
	const char *flag = program->flag;
	int64_t timeout_sec = json_get_integer(
		program->order, "timeout_sec", json_get_integer(program->order, "deadline_sec", 0));

	child->path = worker_find_program(program->name);
	child->flag = flag ? memory_copy_text(flag) : NULL;
	child->name = worker_unit_name(program->name, flag, program->order);
	child->description = build ? memory_printf("kiln: %s of build %s",
					     json_get_text(program->order, "job", "a job"), build)
	                           : memory_printf("kiln: %s%s%s", program->name, flag ? " " : "",
					     flag ? flag : "");
	child->timeout_sec = timeout_sec ? timeout_sec + UNIT_GRACE_SEC : 0;
	child->input = worker_write_order(program->order, err);
	child->output = copy_stream(program->output);
	child->errors = copy_stream(program->errors);
	return child->input < 0 ? -1 : 0;
}

struct child *child_start(struct loop *loop, const struct child_program *program, struct error *err)
{
	struct child *child = new_child(loop);
	struct error why;

	if (describe(child, program, err) == 0) {
		if (worker_unit_possible()) {
			if (run_as_unit(child, &why) == 0)
				return child;
			announce_without_unit(&why);
		}
		if (run_as_session(child, err) == 0) {
			close_streams(child);
			return child;
		}
	}
	child_free(child);
	return NULL;
}

struct child *child_run(struct loop *loop, const struct process_options *options, struct error *err)
{
	struct child *child = new_child(loop);
	struct process_options own = *options;

	own.new_session = true;
	child->pid = process_start(&own, err);
	child->ours = child->pid > 0;
	if (child->ours && watch(child, err) == 0)
		return child;
	child_free(child);
	return NULL;
}

struct child *child_watch(struct loop *loop, pid_t pid, struct error *err)
{
	struct child *child = new_child(loop);

	child->pid = pid;
	if (watch(child, err) == 0)
		return child;
	child_release(child);
	return NULL;
}

/* ---- what becomes of it ---- */

bool child_has_ended(const struct child *child, int *code)
{
	*code = child->code;
	return child->state == CHILD_ENDED;
}

void child_tell(struct child *child, void (*over)(void *context, int code), void *context)
{
	child->over = over;
	child->context = context;
}

void child_signal(struct child *child, int signal)
{
	if (!child || child->state >= CHILD_ENDING)
		return;
	if (child->state == CHILD_STARTING && child->signal != SIGKILL)
		child->signal = signal;
	send_signal(child, signal);
}

void child_kill(struct child *child)
{
	child_signal(child, SIGKILL);
}

static void orphan(struct child *child)
{
	child->orphaned = true;
	child->next = orphans;
	orphans = child;
}

void child_forget_orphans(void)
{
	while (orphans) {
		struct child *child = orphans;
		orphans = child->next;
		really_free(child);
	}
}

void child_free(struct child *child)
{
	if (!child)
		return;
	child_kill(child);
	if (child->ours && child->source)
		orphan(child);
	else
		really_free(child);
}

void child_release(struct child *child)
{
	if (!child)
		return;
	if (child->ours && child->source)
		orphan(child);
	else
		really_free(child);
}

static int on_dismissed_long(sd_event_source *source, uint64_t usec, void *context)
{
	(void)source;
	(void)usec;
	child_kill(context);
	return 0;
}

void child_dismiss(struct child *child)
{
	if (!child)
		return;
	child_signal(child, SIGTERM);
	if (sd_event_add_time_relative(loop_event(child->loop), &child->timer, CLOCK_MONOTONIC,
		    (uint64_t)DISMISSED_SEC * 1000000, 0, on_dismissed_long, child) < 0)
		child_kill(child);
	child_release(child);
}

void child_finish(struct child *child)
{
	struct pollfd ended = {.fd = -1, .events = POLLIN};

	if (!child)
		return;
	child_signal(child, SIGTERM);
	if (child->state == CHILD_RUNS && child->source)
		ended.fd = sd_event_source_get_io_fd(child->source);
	if (ended.fd >= 0 && poll(&ended, 1, DISMISSED_SEC * 1000) == 0)
		child_kill(child);
	child_release(child);
}
