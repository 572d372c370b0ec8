/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/qemu/arguments.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/process.h"

enum {
	GREETING_USEC = 60 * 1000 * 1000,
	SETTLE_USEC = 500 * 1000,
	SCREEN_USEC = 3 * 1000 * 1000, /* between two looks at it */
	SERIAL_LINES = 20,
};

#define SCREEN_NAME "screen.png"
#define OLD_SCREEN_NAME "screen.ppm"
#define NEW_SCREEN_NAME "screen.new"

/* ---- start and end ---- */

/* What QEMU itself says when another was faster. */
static bool is_port_taken(const char *words)
{
	return strstr(words, "Could not set up host forwarding rule") ||
	       strstr(words, "Address already in use") ||
	       strstr(words, "Failed to find an available port");
}

static int explain_end(struct machine *machine, bool *port_taken, struct error *err)
{
	autofree char *words = child_last_words(&machine->child);
	char how[64];

	*port_taken = is_port_taken(words);
	return fail(err, *port_taken ? ERROR_TRANSIENT : ERROR_CATALOG,
		"QEMU ended at its start (%s)%s%s", process_describe(machine->child.code, how),
		*words ? ": " : "", words);
}

int machine_start(struct machine *machine, struct job *job, const struct strings *arguments,
	const char *folder, int memory, int network, bool *port_taken, struct error *err)
{
	int ends[2];

	*machine = (struct machine)MACHINE_NONE;
	machine->job = job;
	*port_taken = false;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return fail_errno(err, ERROR_RESOURCE, "cannot make a socket");
	const int extra[CHILD_EXTRA_COUNT] = {ends[1], memory, network};
	int started = child_start(&machine->child, job, "QEMU", arguments, folder, extra, err);
	close(ends[1]);
	if (started < 0) {
		close(ends[0]);
		return -1;
	}
	if (qmp_open(&machine->qmp, ends[0], job, GREETING_USEC, err) == 0)
		return 0;
	/* its channel closes a moment before it is gone */
	struct error ignored;
	if (!job_is_cancelled() &&
		child_wait(&machine->child, moment_elapsed_usec() + 5000000, &ignored) > 0)
		explain_end(machine, port_taken, err);
	machine_close(machine);
	return -1;
}

void machine_close(struct machine *machine)
{
	if (machine->job)
		machine_watch(machine, false);
	qmp_close(&machine->qmp);
	child_close(&machine->child);
}

/* ---- its screen ---- */

/* Whole under its name: somebody may be looking. NULL: there is none to be had. */
static const char *keep_screen(struct machine *machine)
{
	autofree char *path = memory_printf("%s/" NEW_SCREEN_NAME, machine->job->folder);
	int folder = machine->job->folder_fd;
	struct error ignored;
	bool is_png;

	if (qmp_dump_screen(&machine->qmp, path, &is_png, &ignored) < 0) {
		unlinkat(folder, NEW_SCREEN_NAME, 0);
		return NULL;
	}
	const char *name = is_png ? SCREEN_NAME : OLD_SCREEN_NAME;
	return renameat(folder, NEW_SCREEN_NAME, folder, name) < 0 ? NULL : name;
}

/* While another command waits for its answer nothing can be asked. A machine without a screen is asked once. */
static void look_at_screen(struct machine *machine)
{
	int64_t now_usec = moment_elapsed_usec();

	if (machine->qmp.fd < 0 || machine->qmp.gone || machine->qmp.busy || machine->powered_off ||
		machine->has_no_screen || now_usec < machine->looked_usec + SCREEN_USEC)
		return;
	machine->has_no_screen = !keep_screen(machine);
	machine->looked_usec = now_usec;
}

/* ---- while it runs ---- */

/* Events tell more than an exit code: kept ones are looked at, none is waited for. */
static const char *reason_of(struct machine *machine)
{
	struct error ignored;

	if (machine->qmp.fd >= 0 &&
		qmp_wait_event(&machine->qmp, "GUEST_PANICKED", 0, NULL, &ignored) > 0)
		return "its guest panicked";
	if (machine->ended_here)
		return "somebody told QEMU to";
	return machine->powered_off ? "its guest halted" : NULL;
}

static int explain_stop(struct machine *machine, struct error *err)
{
	autofree char *words = child_last_words(&machine->child);
	const char *reason = reason_of(machine);
	char how[64];

	process_describe(machine->child.code, how);
	return fail(err, ERROR_CATALOG, "the machine ended by itself: %s%s%s",
		reason ? reason : how, *words ? ": " : "", words);
}

static bool take_event(struct machine *machine, const char *name, struct json **event)
{
	struct error ignored;

	return machine->qmp.fd >= 0 && qmp_wait_event(&machine->qmp, name, 0, event, &ignored) > 0;
}

/* What was said last stands before the end of the channel, also when QEMU is gone. */
static void note_events(struct machine *machine)
{
	autojson struct json *event = NULL;

	if (!take_event(machine, "SHUTDOWN", &event))
		return;
	if (json_get_boolean(json_get(event, "data"), "guest", false))
		machine->powered_off = true;
	else
		machine->ended_here = true;
}

/*
 * A machine that stands still though nobody stopped it never goes on by itself. While another command waits for its answer nothing can
 * be asked: it would be taken for that.
 */
static int check_stopped(struct machine *machine, struct error *err)
{
	autojson struct json *block = NULL;
	autofree char *status = NULL;
	struct error ignored;

	if (machine->qmp.busy || !take_event(machine, "STOP", NULL) || machine->powered_off ||
		machine->ended_here || qmp_query_status(&machine->qmp, &status, &ignored) < 0)
		return 0;
	if (take_event(machine, "BLOCK_IO_ERROR", &block) &&
		json_get_boolean(json_get(block, "data"), "nospace", false))
		return fail(err, ERROR_RESOURCE,
			"the machine stands still: there is no room for its disk any more");
	if (strcmp(status, "io-error") == 0)
		return fail(err, ERROR_BROKEN,
			"the machine stands still: its disk cannot be read or written: %s",
			json_get_text(json_get(block, "data"), "reason", "QEMU does not say why"));
	if (strcmp(status, "internal-error") != 0 && strcmp(status, "guest-panicked") != 0)
		return 0;
	autofree char *words = child_last_words(&machine->child);
	return fail(err, ERROR_CATALOG, "the machine stands still (%s): %.200s", status, words);
}

int machine_check_end(struct machine *machine, struct error *err)
{
	note_events(machine);
	if (machine->powered_off || (machine->child.code == 0 && !machine->ended_here))
		return 0;
	return explain_stop(machine, err);
}

static int check_end(void *watched, struct error *err);

void machine_watch(struct machine *machine, bool on)
{
	machine->job->watch = on ? check_end : NULL;
	machine->job->watched = machine;
	machine->job->watched_usec = 0;
	machine->job->watched_fds[0] = machine->child.pidfd;
	machine->job->watched_fds[1] = machine->qmp.gone ? -1 : machine->qmp.fd;
}

static int check_end(void *watched, struct error *err)
{
	struct machine *machine = watched;
	bool was_on = machine->job->watch != NULL;

	machine_watch(machine, false); /* what is asked here checks the job itself */
	note_events(machine);
	int result = child_has_ended(&machine->child) ? explain_stop(machine, err)
	                                              : check_stopped(machine, err);
	if (result == 0)
		look_at_screen(machine);
	machine_watch(machine, was_on);
	return result;
}

int machine_check(struct machine *machine, struct error *err)
{
	return job_check(machine->job, err) < 0 ? -1 : check_end(machine, err);
}

void machine_explain(struct machine *machine, struct error *err)
{
	struct error why = {0};

	if (err->kind == ERROR_CONFLICT)
		return;
	/* a connection breaks a moment before QEMU is gone */
	child_wait(&machine->child, moment_elapsed_usec() + SETTLE_USEC, &why);
	if (machine_check(machine, &why) == 0 || strstr(err->text, why.text))
		return;
	build_log_say(&machine->job->log, "%s", why.text);
	error_add_context(err, "%s", why.text);
	err->kind = why.kind;
}

int machine_sleep(struct machine *machine, int64_t nsec, struct error *err)
{
	int64_t until = moment_elapsed_usec() + nsec / 1000;
	int ended = child_wait(&machine->child, until, err);

	return ended <= 0 ? ended : machine_check(machine, err);
}

int machine_wait(struct machine *machine, int64_t timeout_usec, struct error *err)
{
	int64_t deadline = moment_elapsed_usec() + timeout_usec;

	/* a machine told not to end with its guest (-no-shutdown) is as good as ended */
	for (;;) {
		int64_t now = moment_elapsed_usec();
		note_events(machine);
		if (!child_has_ended(&machine->child)) {
			if (check_stopped(machine, err) < 0)
				return -1;
			look_at_screen(machine);
		}
		if (machine->powered_off && now + 2000000 < deadline)
			deadline = now + 2000000;
		int ended = child_wait(
			&machine->child, deadline < now + 200000 ? deadline : now + 200000, err);
		if (ended)
			return ended;
		if (moment_elapsed_usec() >= deadline)
			return machine->powered_off;
	}
}

/* ---- when it went wrong ---- */

/* The last lines, without what is no text. */
static void log_serial(struct machine *machine)
{
	CLEANUP(text_clear) struct text said = {0};
	struct error ignored;
	size_t lines = 0, from;

	if (qmp_read_ring(&machine->qmp, QEMU_SERIAL_RING, &said, &ignored) < 0 || !said.size)
		return;
	for (from = said.size; from > 0; from--)
		if (said.data[from - 1] == '\n' && from != said.size && ++lines == SERIAL_LINES)
			break;
	build_log_say(&machine->job->log, "the end of what the machine said at its serial port:");
	build_log_add(&machine->job->log, LOG_STDOUT, said.data + from, said.size - from);
	build_log_flush(&machine->job->log);
}

void machine_show_state(struct machine *machine)
{
	int64_t of_job = machine->job->deadline_usec;

	if (machine->qmp.fd < 0 || machine->qmp.gone || child_has_ended(&machine->child) ||
		job_is_cancelled())
		return;
	machine->job->deadline_usec =
		0; /* it may be what is over; commands have times of their own */
	const char *screen = keep_screen(machine);
	if (screen)
		build_log_say(&machine->job->log, "the machine's screen is kept: %s/%s",
			machine->job->folder, screen);
	log_serial(machine);
	machine->job->deadline_usec = of_job;
}
