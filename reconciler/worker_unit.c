/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/worker_unit.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
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
};

/* A unit that was started and whose end nobody asked for yet: we hold a reference to it. */
struct started {
	pid_t pid;
	char *path; /* its object's */
	struct started *next;
};

static sd_bus *bus; /* kept open: references to units are the connection's */
static struct started *all_started;

static void unref_bus_error(sd_bus_error *error)
{
	sd_bus_error_free(error);
}

static void unref_message(sd_bus_message **message)
{
	sd_bus_message_unref(*message);
}

#define autobuserror CLEANUP(unref_bus_error) sd_bus_error
#define automessage CLEANUP(unref_message) sd_bus_message

bool worker_unit_possible(void)
{
	const char *chosen = getenv("KILN_WORKERS");

	return geteuid() == 0 && sd_booted() > 0 && !(chosen && strcmp(chosen, "session") == 0);
}

/* ---- the bus ---- */

static void forget_bus(void)
{
	while (all_started) {
		struct started *next = all_started->next;
		free(all_started->path);
		free(all_started);
		all_started = next;
	}
	bus = sd_bus_flush_close_unref(bus);
}

static int open_bus(void)
{
	if (bus && sd_bus_is_open(bus) > 0)
		return 0;
	forget_bus();
	int result = sd_bus_open_system(&bus);
	if (result >= 0)
		result = sd_bus_set_method_call_timeout(bus, START_USEC);
	/* without it systemd sends no signals; at a second time it only says so */
	if (result >= 0)
		result = sd_bus_call_method(
			bus, SYSTEMD, MANAGER_PATH, MANAGER, "Subscribe", NULL, NULL, NULL);
	if (result < 0)
		forget_bus();
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

struct job {
	const char *path; /* NULL: not known yet */
	bool ended, done;
};

static int on_job_removed(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct job *job = context;
	const char *path, *unit, *result;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0 && job->path &&
		strcmp(path, job->path) == 0) {
		job->ended = true;
		job->done = strcmp(result, "done") == 0;
	}
	return 0;
}

/* The signal can come no earlier than the answer that names the job: both come over one connection, in their order. */
static int wait_for_job(struct job *job)
{
	int64_t deadline_usec = moment_elapsed_usec() + START_USEC;

	while (!job->ended) {
		int result = sd_bus_process(bus, NULL);
		if (result < 0)
			return result;
		if (result > 0)
			continue;
		int64_t left_usec = deadline_usec - moment_elapsed_usec();
		if (left_usec <= 0)
			return -ETIMEDOUT;
		result = sd_bus_wait(bus, left_usec);
		if (result < 0 && result != -EINTR)
			return result;
	}
	return job->done ? 0 : -ECHILD;
}

static int ask_to_start(
	const char *name, const struct worker_unit *unit, char **job, sd_bus_error *error)
{
	automessage *message = NULL, *answer = NULL;
	const char *path;
	int result = sd_bus_message_new_method_call(
		bus, &message, SYSTEMD, MANAGER_PATH, MANAGER, "StartTransientUnit");

	if (result >= 0)
		result = sd_bus_message_append(message, "ss", name, "fail");
	if (result >= 0)
		result = add_properties(message, unit);
	if (result >= 0)
		result = sd_bus_message_append(message, "a(sa(sv))", 0);
	if (result >= 0)
		result = sd_bus_call(bus, message, START_USEC, error, &answer);
	if (result >= 0)
		result = sd_bus_message_read(answer, "o", &path);
	if (result >= 0)
		*job = memory_copy_text(path);
	return result;
}

static int get_pid(const char *path, pid_t *pid, sd_bus_error *error)
{
	uint32_t value = 0;
	/* MainPID is gone with the process, which may have been quick */
	int result = sd_bus_get_property_trivial(
		bus, SYSTEMD, path, SERVICE, "ExecMainPID", error, 'u', &value);

	*pid = (pid_t)value;
	return result < 0 ? result : value == 0 ? -ESRCH : 0;
}

static void let_go(const char *path)
{
	sd_bus_call_method(bus, SYSTEMD, path, UNIT, "Unref", NULL, NULL, NULL);
}

/* Whatever became of it: nothing of it goes on, and a start that is still queued does not happen. */
static void end_unit(const char *name)
{
	sd_bus_call_method(bus, SYSTEMD, MANAGER_PATH, MANAGER, "KillUnit", NULL, NULL, "ssi", name,
		"all", SIGKILL);
	sd_bus_call_method(bus, SYSTEMD, MANAGER_PATH, MANAGER, "UnrefUnit", NULL, NULL, "s", name);
}

static int start_and_wait(const char *name, const struct worker_unit *unit, char **path, pid_t *pid,
	sd_bus_error *error)
{
	autofree char *job_path = NULL;
	struct job job = {0};
	sd_bus_slot *slot = NULL;
	int result = sd_bus_match_signal(
		bus, &slot, SYSTEMD, MANAGER_PATH, MANAGER, "JobRemoved", on_job_removed, &job);

	if (result >= 0)
		result = ask_to_start(name, unit, &job_path, error);
	if (result >= 0) {
		job.path = job_path;
		result = wait_for_job(&job);
		if (result >= 0)
			result = sd_bus_path_encode(MANAGER_PATH "/unit", name, path);
		if (result >= 0)
			result = get_pid(*path, pid, error);
		if (result < 0)
			end_unit(name);
	}
	sd_bus_slot_unref(slot);
	return result;
}

/* Between two starts the bus may have been restarted: our end of it is noticed by its use. */
static bool bus_is_gone(int result)
{
	return result == -ECONNRESET || result == -ENOTCONN || result == -EPIPE ||
	       result == -ESHUTDOWN;
}

pid_t worker_unit_start(const struct worker_unit *unit, struct error *err)
{
	autofree char *name = unit_name(unit->name), *path = NULL;
	autobuserror error = SD_BUS_ERROR_NULL;
	pid_t pid = -1;
	int result = open_bus();

	if (result >= 0)
		result = start_and_wait(name, unit, &path, &pid, &error);
	if (bus_is_gone(result)) {
		sd_bus_error_free(&error);
		forget_bus();
		result = open_bus();
		if (result >= 0)
			result = start_and_wait(name, unit, &path, &pid, &error);
	}
	if (!bus)
		return fail(err, ERROR_RESOURCE, "the system bus: %s", strerror(-result));
	if (result < 0)
		return fail(err, ERROR_RESOURCE, "systemd does not start %s: %s", name,
			error.message ? error.message : strerror(-result));
	struct started *started = memory_new(sizeof(*started));
	*started = (struct started){pid, TAKE(path), all_started};
	all_started = started;
	return pid;
}

/* ---- ending ---- */

static int get_code(const char *path, int *code)
{
	int32_t how = 0, status = 0;
	int result = sd_bus_get_property_trivial(
		bus, SYSTEMD, path, SERVICE, "ExecMainCode", NULL, 'i', &how);

	if (result >= 0)
		result = sd_bus_get_property_trivial(
			bus, SYSTEMD, path, SERVICE, "ExecMainStatus", NULL, 'i', &status);
	if (result < 0)
		return result;
	*code = how == CLD_EXITED ? status : 128 + status;
	return how != 0;
}

/* systemd sees the end when we do; which of us is first is open. */
static int wait_for_code(const char *path)
{
	int64_t deadline_usec = moment_elapsed_usec() + END_USEC;
	int code, known;

	while ((known = get_code(path, &code)) == 0 && moment_elapsed_usec() < deadline_usec)
		usleep(PAUSE_USEC);
	return known > 0 ? code : -1;
}

int worker_unit_end(pid_t pid)
{
	for (struct started **at = &all_started; *at; at = &(*at)->next) {
		struct started *found = *at;
		if (found->pid != pid)
			continue;
		*at = found->next;
		int code = wait_for_code(found->path);
		let_go(found->path);
		free(found->path);
		free(found);
		return code;
	}
	return -1;
}

int worker_unit_watch(pid_t pid)
{
	int fd = pidfd_open(pid, 0);

	if (fd >= 0 || errno != ESRCH)
		return fd;
	for (const struct started *started = all_started; started; started = started->next)
		if (started->pid == pid)
			return eventfd(1, EFD_CLOEXEC);
	errno = ESRCH;
	return -1;
}
