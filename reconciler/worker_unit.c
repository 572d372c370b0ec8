/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/worker_unit.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/strings.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define UNIT "org.freedesktop.systemd1.Unit"
#define SERVICE "org.freedesktop.systemd1.Service"

enum {
	START_USEC = 5 * 1000 * 1000,
	END_USEC = 1000 * 1000,
	PAUSE_USEC = 2000,
	STOP_USEC = 30 * 1000 * 1000,
	EXIT_OF_SYSTEMD = 200, /* from here on */
};

struct unit_run {
	sd_event *event;
	const struct unit_hooks *hooks;
	void *context;
	char *name;       /* with .service */
	char *path;       /* its object's */
	char *job;        /* of its start; NULL: systemd has not answered yet */
	uint64_t bus_age; /* of the connection that holds the reference to it */
	bool settled;     /* it was started, or was not */
	int64_t asked_usec;
	sd_bus_slot *removed, *call; /* the signal, and what is asked now */
	sd_event_source *timer;
	struct unit_run *next;
};

static struct unit_run *all_runs;
static sd_bus *bus; /* kept open: references to units are the connection's */
static uint64_t bus_age;

static void unref_message(sd_bus_message **message)
{
	sd_bus_message_unref(*message);
}

#define automessage CLEANUP(unref_message) sd_bus_message

bool worker_unit_possible(void)
{
	const char *chosen = getenv("KILN_WORKERS");

	return geteuid() == 0 && sd_booted() > 0 && !(chosen && strcmp(chosen, "session") == 0);
}

/* ---- the bus ---- */

static int on_lost(sd_event_source *source, uint64_t usec, void *context);

static void stop_asking(struct unit_run *run)
{
	run->removed = sd_bus_slot_unref(run->removed);
	run->call = sd_bus_slot_unref(run->call);
	run->timer = sd_event_source_disable_unref(run->timer);
}

/* Who waits for an answer is told at the loop's next turn that none comes. */
void unit_forget_bus(void)
{
	for (struct unit_run *run = all_runs; run; run = run->next) {
		if (!run->call && !run->removed)
			continue;
		stop_asking(run);
		sd_event_add_time_relative(
			run->event, &run->timer, CLOCK_MONOTONIC, 0, 1, on_lost, run);
	}
	if (bus)
		sd_bus_detach_event(bus);
	sd_bus_close(bus);
	bus = sd_bus_unref(bus);
	bus_age++;
}

static int open_bus(sd_event *event)
{
	if (bus && sd_bus_is_open(bus) > 0)
		return 0;
	unit_forget_bus();
	int result = sd_bus_open_system(&bus);
	if (result >= 0)
		result = sd_bus_set_method_call_timeout(bus, START_USEC);
	if (result >= 0)
		result = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL);
	/* without it systemd sends no signals; nobody waits for the answer */
	if (result >= 0)
		result = sd_bus_call_method_async(
			bus, NULL, SYSTEMD, MANAGER_PATH, MANAGER, "Subscribe", NULL, NULL, NULL);
	if (result < 0)
		unit_forget_bus();
	return result;
}

/* ---- what is asked for ---- */

/* Of systemd's own words to us none is for the program. */
static bool is_passed_on(const char *variable)
{
	static const char *const kept_back[] = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
		"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "MAINPID", "INVOCATION_ID",
		"JOURNAL_STREAM", "SYSTEMD_EXEC_PID", "CREDENTIALS_DIRECTORY", "KILN_SHARED_SOCKET",
		"RUNTIME_DIRECTORY", "STATE_DIRECTORY", "MEMORY_PRESSURE_WATCH"};
	size_t size = strcspn(variable, "=");

	for (size_t i = 0; i < sizeof(kept_back) / sizeof(*kept_back); i++)
		if (strlen(kept_back[i]) == size && strncmp(kept_back[i], variable, size) == 0)
			return false;
	return variable[size] == '=';
}

static int add_environment(sd_bus_message *message)
{
	CLEANUP(strings_clear) struct strings list = {0};

	for (char **variable = environ; *variable; variable++)
		if (is_passed_on(*variable))
			strings_add(&list, *variable);
	strings_add_taken(&list, NULL);
	int result = sd_bus_message_open_container(message, 'r', "sv");
	if (result >= 0)
		result = sd_bus_message_append(message, "s", "Environment");
	if (result >= 0)
		result = sd_bus_message_open_container(message, 'v', "as");
	if (result >= 0)
		result = sd_bus_message_append_strv(message, list.items);
	if (result >= 0)
		result = sd_bus_message_close_container(message);
	return result < 0 ? result : sd_bus_message_close_container(message);
}

static int add_program(sd_bus_message *message, const char *const *arguments)
{
	int result = sd_bus_message_open_container(message, 'r', "sv");

	if (result >= 0)
		result = sd_bus_message_append(message, "s", "ExecStart");
	if (result >= 0)
		result = sd_bus_message_open_container(message, 'v', "a(sasb)");
	if (result >= 0)
		result = sd_bus_message_open_container(message, 'a', "(sasb)");
	if (result >= 0)
		result = sd_bus_message_open_container(message, 'r', "sasb");
	if (result >= 0)
		result = sd_bus_message_append(message, "s", arguments[0]);
	if (result >= 0)
		result = sd_bus_message_append_strv(message, (char **)arguments);
	if (result >= 0)
		result = sd_bus_message_append(message, "b", 0);
	for (int depth = 0; depth < 4 && result >= 0; depth++)
		result = sd_bus_message_close_container(message);
	return result;
}

static int add_stream(sd_bus_message *message, const char *name, int fd)
{
	autoclose int nothing = fd < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;

	return sd_bus_message_append(message, "(sv)", name, "h", fd < 0 ? nothing : fd);
}

/* What is a matter of taste stands in the drop-ins of contrib/systemd, where an operator can change it. */
static int add_properties(sd_bus_message *message, const struct worker_unit *unit)
{
	autofree char *folder = getcwd(NULL, 0);
	int result = sd_bus_message_open_container(message, 'a', "(sv)");

	if (result >= 0)
		result = sd_bus_message_append(message, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)",
			"Description", "s", unit->description, "Type", "s", "exec", "Slice", "s",
			"kiln.slice", "CollectMode", "s", "inactive-or-failed", "AddRef", "b", 1,
			"KillMode", "s", "mixed", "TimeoutStopUSec", "t", (uint64_t)STOP_USEC,
			"UMask", "u", 0022, "WorkingDirectory", "s", folder ? folder : "/");
	if (result >= 0 && unit->timeout_sec)
		result = sd_bus_message_append(message, "(sv)", "RuntimeMaxUSec", "t",
			(uint64_t)unit->timeout_sec * 1000000);
	if (result >= 0)
		result = add_stream(message, "StandardInputFileDescriptor", unit->input);
	if (result >= 0)
		result = add_stream(message, "StandardOutputFileDescriptor", unit->output);
	if (result >= 0)
		result = add_stream(message, "StandardErrorFileDescriptor", unit->errors);
	if (result >= 0)
		result = add_environment(message);
	if (result >= 0)
		result = add_program(message, unit->arguments);
	return result < 0 ? result : sd_bus_message_close_container(message);
}

static char *unit_name(const char *name)
{
	char *whole = memory_printf("%s.service", name);

	for (char *at = whole; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr(":_.-", *at))
			*at = '-';
	return whole;
}

/* ---- starting ---- */

static bool has_bus(const struct unit_run *run)
{
	return bus && run->bus_age == bus_age && sd_bus_is_open(bus) > 0;
}

/* Whatever became of it: nothing of it goes on, and a start that is still queued does not happen. */
static void end_unit(const struct unit_run *run)
{
	if (!has_bus(run))
		return;
	/* a bus that never came to be takes with it what waits to be sent */
	if (sd_bus_is_ready(bus) <= 0) {
		unit_forget_bus();
		return;
	}
	sd_bus_call_method_async(bus, NULL, SYSTEMD, MANAGER_PATH, MANAGER, "KillUnit", NULL, NULL,
		"ssi", run->name, "all", SIGKILL);
	sd_bus_call_method_async(
		bus, NULL, SYSTEMD, MANAGER_PATH, MANAGER, "UnrefUnit", NULL, NULL, "s", run->name);
}

static bool bus_is_gone(int result)
{
	return result == -ECONNRESET || result == -ENOTCONN || result == -EPIPE ||
	       result == -ESHUTDOWN;
}

static int fail_start(struct unit_run *run, int result, const char *why)
{
	struct error err;

	error_set(&err, ERROR_RESOURCE, "systemd does not start %s: %s", run->name,
		why ? why : strerror(-result));
	stop_asking(run);
	run->settled = true;
	end_unit(run);
	free(run->path);
	run->path = NULL;
	run->hooks->failed(run->context, bus_is_gone(result), &err);
	return 0;
}

/* MESSAGE as a failure: 0 if it is none. */
static int read_failure(sd_bus_message *message, const char **why)
{
	const sd_bus_error *error = sd_bus_message_get_error(message);

	*why = error ? error->message : NULL;
	return error ? -sd_bus_message_get_errno(message) : 0;
}

static int on_start_overdue(sd_event_source *source, uint64_t usec, void *context)
{
	(void)source;
	(void)usec;
	return fail_start(context, -ETIMEDOUT, NULL);
}

/* What systemd knows of the main process of a unit: as in siginfo_t, all 0 as long as there was none, or it runs. */
struct main_process {
	uint32_t pid;
	int32_t how, status;
};

static int read_property(sd_bus_message *message, const char *name, struct main_process *process)
{
	if (strcmp(name, "ExecMainPID") == 0)
		return sd_bus_message_read(message, "v", "u", &process->pid);
	if (strcmp(name, "ExecMainCode") == 0)
		return sd_bus_message_read(message, "v", "i", &process->how);
	if (strcmp(name, "ExecMainStatus") == 0)
		return sd_bus_message_read(message, "v", "i", &process->status);
	return sd_bus_message_skip(message, "v");
}

/* Three of all that get_all is told: a{sv} is read to its end. */
static int read_process(sd_bus_message *message, struct main_process *process)
{
	const char *name;
	int result = read_failure(message, &name);

	*process = (struct main_process){0};
	if (result >= 0)
		result = sd_bus_message_enter_container(message, 'a', "{sv}");

	while (result >= 0 && (result = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
		result = sd_bus_message_read(message, "s", &name);
		if (result >= 0)
			result = read_property(message, name, process);
		if (result >= 0)
			result = sd_bus_message_exit_container(message);
	}
	return result;
}

static int get_all(struct unit_run *run, sd_bus_message_handler_t handler)
{
	run->call = sd_bus_slot_unref(run->call);
	return sd_bus_call_method_async(bus, &run->call, SYSTEMD, run->path,
		"org.freedesktop.DBus.Properties", "GetAll", handler, run, "s", SERVICE);
}

static int note_started(struct unit_run *run, uint32_t pid)
{
	stop_asking(run);
	run->settled = true;
	run->hooks->started(run->context, (pid_t)pid);
	return 0;
}

/*
 * A worker that is quick, on a machine that is busy, has ended before systemd looks whether it began: a failed start, it says then.
 * Who could not begin ends with one of systemd's own codes (systemd.exec(5), PROCESS EXIT CODES). All others ran, and are not to run
 * once more.
 */
static int on_failed(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct unit_run *run = context;
	struct main_process process;

	(void)error;
	bool ran = read_process(message, &process) >= 0 && process.pid && process.how &&
	           (process.how != CLD_EXITED || process.status < EXIT_OF_SYSTEMD);
	return ran ? note_started(run, process.pid) : fail_start(run, -ECHILD, "failed");
}

static int on_pid(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct unit_run *run = context;
	const char *why;
	uint32_t pid = 0;
	int result = read_failure(message, &why);

	(void)error;
	if (result >= 0)
		result = sd_bus_message_read(message, "v", "u", &pid);
	if (result >= 0 && pid == 0)
		result = -ESRCH;
	return result < 0 ? fail_start(run, result, why) : note_started(run, pid);
}

static int get_property(struct unit_run *run, const char *name, sd_bus_message_handler_t handler)
{
	run->call = sd_bus_slot_unref(run->call);
	return sd_bus_call_method_async(bus, &run->call, SYSTEMD, run->path,
		"org.freedesktop.DBus.Properties", "Get", handler, run, "ss", SERVICE, name);
}

static int on_job_removed(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct unit_run *run = context;
	const char *path, *unit, *how;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &how) < 0 || !run->job ||
		strcmp(path, run->job) != 0)
		return 0;
	if (strcmp(how, "done") != 0 && strcmp(how, "failed") != 0)
		return fail_start(run, -ECHILD, how);
	/* MainPID is gone with the process, which may have been quick */
	int result = strcmp(how, "failed") == 0 ? get_all(run, on_failed)
	                                        : get_property(run, "ExecMainPID", on_pid);
	return result < 0 ? fail_start(run, result, NULL) : 0;
}

/* The signal comes no earlier than this, which names the job: both come over one connection, in their order. */
static int on_start_answer(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct unit_run *run = context;
	const char *why, *path;
	int result = read_failure(message, &why);

	(void)error;
	if (result >= 0)
		result = sd_bus_message_read(message, "o", &path);
	if (result < 0)
		return fail_start(run, result, why);
	run->job = memory_copy_text(path);
	return 0;
}

static int ask_to_start(struct unit_run *run, const struct worker_unit *unit)
{
	automessage *message = NULL;
	int result = sd_bus_match_signal_async(bus, &run->removed, SYSTEMD, MANAGER_PATH, MANAGER,
		"JobRemoved", on_job_removed, NULL, run);

	if (result >= 0)
		result = sd_bus_message_new_method_call(
			bus, &message, SYSTEMD, MANAGER_PATH, MANAGER, "StartTransientUnit");
	if (result >= 0)
		result = sd_bus_message_append(message, "ss", run->name, "fail");
	if (result >= 0)
		result = add_properties(message, unit);
	if (result >= 0)
		result = sd_bus_message_append(message, "a(sa(sv))", 0);
	if (result >= 0)
		result = sd_bus_call_async(
			bus, &run->call, message, on_start_answer, run, START_USEC);
	if (result >= 0)
		result = sd_event_add_time_relative(run->event, &run->timer, CLOCK_MONOTONIC,
			START_USEC, 0, on_start_overdue, run);
	return result;
}

int unit_begin(struct sd_event *event, const struct worker_unit *unit,
	const struct unit_hooks *hooks, void *context, struct unit_run **run, struct error *err)
{
	struct unit_run *made = memory_new(sizeof(*made));
	int result = open_bus(event);

	*made = (struct unit_run){.event = event,
		.hooks = hooks,
		.context = context,
		.name = unit_name(unit->name),
		.bus_age = bus_age};
	made->next = all_runs;
	all_runs = made;
	if (result >= 0)
		result = sd_bus_path_encode(MANAGER_PATH "/unit", made->name, &made->path);
	if (result >= 0)
		result = ask_to_start(made, unit);
	if (result >= 0) {
		*run = made;
		return 0;
	}
	made->settled = true;
	unit_free(made);
	return fail(err, ERROR_RESOURCE, "the system bus: %s", strerror(-result));
}

/* ---- ending ---- */

static int tell_end(struct unit_run *run, int code)
{
	stop_asking(run);
	run->hooks->ended(run->context, code);
	return 0;
}

static int on_status(sd_bus_message *message, void *context, sd_bus_error *error);

static int ask_again(sd_event_source *source, uint64_t usec, void *context)
{
	struct unit_run *run = context;

	(void)source;
	(void)usec;
	bool late = moment_elapsed_usec() > run->asked_usec + END_USEC;
	if (late || !has_bus(run) || get_all(run, on_status) < 0)
		return tell_end(run, -1);
	return 0;
}

/* systemd sees the end when we do; which of us is first is open. */
static int on_status(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct unit_run *run = context;
	struct main_process process;

	(void)error;
	if (read_process(message, &process) < 0)
		return tell_end(run, -1);
	if (process.how != 0)
		return tell_end(run,
			process.how == CLD_EXITED ? process.status : 128 + process.status);
	run->call = sd_bus_slot_unref(run->call);
	run->timer = sd_event_source_disable_unref(run->timer);
	if (sd_event_add_time_relative(
		    run->event, &run->timer, CLOCK_MONOTONIC, PAUSE_USEC, 1, ask_again, run) < 0)
		return tell_end(run, -1);
	return 0;
}

static int on_lost(sd_event_source *source, uint64_t usec, void *context)
{
	struct unit_run *run = context;

	(void)source;
	(void)usec;
	return run->settled ? tell_end(run, -1) : fail_start(run, -ECONNRESET, NULL);
}

void unit_ask_end(struct unit_run *run)
{
	run->asked_usec = moment_elapsed_usec();
	if (sd_event_add_time_relative(
		    run->event, &run->timer, CLOCK_MONOTONIC, 0, 1, ask_again, run) < 0)
		tell_end(run, -1);
}

void unit_free(struct unit_run *run)
{
	struct unit_run **at = &all_runs;

	if (!run)
		return;
	while (*at != run)
		at = &(*at)->next;
	*at = run->next;
	stop_asking(run);
	if (!run->settled)
		end_unit(run);
	else if (has_bus(run) && run->path)
		sd_bus_call_method_async(
			bus, NULL, SYSTEMD, run->path, UNIT, "Unref", NULL, NULL, NULL);
	free(run->name);
	free(run->path);
	free(run->job);
	free(run);
}
