/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/journal.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/process.h"
#include "reconciler/announce.h"
#include "reconciler/worker_unit.h"
#include "reconciler/world.h"

enum { UNIT_GRACE_SEC = 120 }; /* behind the deadlines that the worker and the head keep */

/* Beside kilnd, in a build tree as when installed. */
char *worker_find_program(const char *name)
{
	char self[4096];
	ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (size <= 0)
		return memory_copy_text(name);
	self[size] = '\0';
	*strrchr(self, '/') = '\0';
	return memory_printf("%s/%s", self, name);
}

char *worker_program(void)
{
	return worker_find_program("kiln-build");
}

/* Whole before the worker starts: it does not depend on how long we live. */
static int write_order(const struct json *order, struct error *err)
{
	CLEANUP(text_clear) struct text text = {0};
	autoclose int fd = memfd_create("order", MFD_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, ERROR_RESOURCE, "no memory for an order");
	json_write(order, JSON_LINE, &text);
	if (file_write_all(fd, text.data, text.size, err) < 0)
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return fail_errno(err, ERROR_BROKEN, "an order");
	return TAKE_FD(fd);
}

/* kiln-build-BUILD-SERIAL, kiln-build--collect-RANDOM: no two are the same. */
static char *name_unit(const char *program, const char *flag, const struct json *order)
{
	const char *build = json_get_text(order, "build", NULL);
	unsigned long long random;

	if (build)
		return memory_printf("%s-%s-%lld", program, build,
			(long long)json_get_integer(order, "serial", 0));
	world->fill_random(&random, sizeof(random));
	return memory_printf("%s%s-%016llx", program, flag ? flag + 1 : "", random);
}

/* By systemd, with a sandbox, limits and a life of its own. */
static pid_t spawn_unit(const char *program, const struct process_options *options,
	const struct json *order, struct error *err)
{
	const char *flag = options->arguments[1], *build = json_get_text(order, "build", NULL);
	autofree char *name = name_unit(program, flag, order), *description = NULL;
	int64_t timeout_sec =
		json_get_integer(order, "timeout_sec", json_get_integer(order, "deadline_sec", 0));

	description =
		build ? memory_printf(
				"kiln: %s of build %s", json_get_text(order, "job", "a job"), build)
		      : memory_printf("kiln: %s%s%s", program, flag ? " " : "", flag ? flag : "");
	struct worker_unit unit = {name, description, options->arguments, options->input,
		options->output, options->errors, timeout_sec ? timeout_sec + UNIT_GRACE_SEC : 0};
	return worker_unit_start(&unit, err);
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

pid_t worker_spawn_program(const char *name, const char *flag, const struct json *order,
	const struct worker_streams *streams, struct error *err)
{
	autofree char *program = worker_find_program(name);
	const char *arguments[] = {program, flag, NULL};
	struct process_options options = PROCESS_OPTIONS;
	autoclose int input = write_order(order, err);
	struct error why;

	if (input < 0)
		return -1;
	options.arguments = arguments;
	options.input = input;
	options.output = streams->output;
	options.errors = streams->errors;
	options.new_session = true;
	if (worker_unit_possible()) {
		pid_t pid = spawn_unit(name, &options, order, &why);
		if (pid > 0)
			return pid;
		announce_without_unit(&why);
	}
	return process_start(&options, err);
}

pid_t worker_spawn(const char *flag, const struct json *order, const struct worker_streams *streams,
	struct error *err)
{
	return worker_spawn_program("kiln-build", flag, order, streams, err);
}

pid_t worker_start(const struct json *order, int errors, struct error *err)
{
	struct worker_streams streams = {-1, errors};

	return world->start_worker(NULL, order, &streams, err);
}

pid_t worker_start_with(const char *flag, const struct json *order,
	const struct worker_streams *streams, struct error *err)
{
	return world->start_worker(flag, order, streams, err);
}

static bool is_of(const struct json *entry, const char *event, enum job_kind job)
{
	return strcmp(json_get_text(entry, "event", ""), event) == 0 &&
	       strcmp(json_get_text(entry, "job", ""), job_kind_name(job)) == 0;
}

static void read_end(const struct json *entry, struct worker_run *run)
{
	if (strcmp(json_get_text(entry, "result", ""), "ok") == 0) {
		run->state = RUN_OK;
		return;
	}
	run->state = RUN_FAILED;
	error_set(&run->failure, error_kind_find(json_get_text(entry, "kind", "")), "%s",
		json_get_text(entry, "text", ""));
}

int worker_read(const char *folder, enum job_kind job, int64_t serial, struct worker_run *run,
	struct json **entries, struct error *err)
{
	autojson struct json *list = NULL;
	struct error missing;
	autoclose int fd = folder_open(AT_FDCWD, folder, &missing);

	*run = (struct worker_run){.job = job};
	if (entries)
		*entries = NULL;
	if (fd < 0)
		return 0;
	if (journal_read(fd, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *entry = json_item(list, i);
		bool this = json_get_integer(entry, "serial", -1) == serial;
		if (is_of(entry, "begin", job)) {
			run->deaths++;
			if (this)
				run->state = RUN_DIED;
		} else if (is_of(entry, "end", job)) {
			run->deaths--;
			if (this)
				read_end(entry, run);
		}
	}
	run->pid = journal_owner(fd);
	if (run->pid) {
		run->state = RUN_ALIVE;
		run->deaths--;
	}
	if (entries)
		*entries = TAKE(list);
	return 0;
}

int worker_watch(pid_t pid)
{
	return worker_unit_watch(pid);
}

int worker_wait(pid_t pid)
{
	int code = worker_unit_end(pid), status;

	if (code >= 0)
		return code;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 128 + SIGKILL;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void worker_kill(pid_t pid)
{
	/* its session has one process group; what runs in its sandboxes dies with their first process */
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
}
