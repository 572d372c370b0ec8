/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/process.h"

enum {
	TICK_MSEC = 200, /* a signal may come just before poll */
	WORDS_MOST = 600,
	KILLED_MSEC = 10000,
	STAT_MOST = 4096,
	STAT_START = 22, /* the field of proc(5) */
	EXTRA_AT = 3,
	EXTRAS_MOST = 2,
	ASIDE = 10, /* clear of those that the child's are moved to */
};

/* ---- who a process is ---- */

/* Its start in ticks; 0 if there is no such process. A name with blanks and brackets stands between brackets. */
static uint64_t start_of(pid_t pid)
{
	autofree char *path = memory_printf("/proc/%d/stat", (int)pid), *stat = NULL;
	struct error ignored;

	if (file_read(AT_FDCWD, path, STAT_MOST, &stat, NULL, &ignored) < 0)
		return 0;
	const char *p = strrchr(stat, ')');
	for (int field = 2; p && field < STAT_START; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p, NULL, 10) : 0;
}

static char *read_boot(void)
{
	struct error ignored;
	char *boot = NULL;

	if (file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 256, &boot, NULL, &ignored) < 0)
		return memory_copy_text("");
	boot[strcspn(boot, "\n")] = '\0';
	return boot;
}

static int note(struct child *child, const char *event, struct error *err)
{
	struct json *details = json_new_object();
	autofree char *boot = read_boot();

	json_set_text(details, "program", child->name);
	json_set_integer(details, "pid", child->pid);
	json_set_integer(details, "started", (int64_t)child->started);
	json_set_text(details, "boot", boot);
	return journal_add(&child->job->journal, event, details, err);
}

/* ---- starting ---- */

struct launch {
	char *const *arguments;
	const char *folder;
	pid_t parent;
	int output, extras[EXTRAS_MOST], go, failed;
};

/* Only what is safe between fork and exec. */
static void become(const struct launch *launch)
{
	sigset_t none;
	char go;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		signal(signal_number, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	/* not before it is written down; a worker that died meanwhile says nothing any more */
	if (read(launch->go, &go, 1) != 1 || getppid() != launch->parent)
		_exit(127);
	dup2(null, STDIN_FILENO);
	dup2(launch->output, STDOUT_FILENO);
	dup2(launch->output, STDERR_FILENO);
	for (int i = 0; i < EXTRAS_MOST; i++)
		if (launch->extras[i] >= 0)
			dup2(launch->extras[i], EXTRA_AT + i);
	if (chdir(launch->folder) == 0)
		execvp(launch->arguments[0], launch->arguments);
	int why = errno;
	if (write(launch->failed, &why, sizeof(why)) < 0)
		_exit(126);
	_exit(127);
}

/* A copy where no descriptor of the child's is moved to; -1 of none. */
static int aside(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, ASIDE);
}

static int pipe_aside(int ends[2], struct error *err)
{
	int low[2];

	if (pipe2(low, O_CLOEXEC) < 0)
		return fail_errno(err, ERROR_RESOURCE, "cannot make a pipe");
	for (int i = 0; i < 2; i++) {
		ends[i] = aside(low[i]);
		close(low[i]);
	}
	return 0;
}

static int fork_it(
	struct child *child, struct launch *launch, int go[2], int failed[2], struct error *err)
{
	int why = 0;

	launch->go = go[0];
	launch->failed = failed[1];
	launch->parent = getpid();
	child->pid = fork();
	if (child->pid == 0) {
		close(go[1]);
		close(failed[0]);
		become(launch);
	}
	cleanup_close(&go[0]);
	cleanup_close(&failed[1]);
	go[0] = failed[1] = -1;
	if (child->pid < 0) {
		child->pid = 0;
		return fail_errno(err, ERROR_RESOURCE, "cannot fork");
	}
	child->started = start_of(child->pid);
	child->pidfd = pidfd_open(child->pid, 0);
	FAULT("child-forked");
	if (note(child, "process", err) < 0)
		return -1;
	FAULT("child-noted");
	if (write(go[1], "", 1) != 1)
		return fail_errno(err, ERROR_BROKEN, "cannot start %s", child->name);
	if (read(failed[0], &why, sizeof(why)) == sizeof(why)) {
		errno = why;
		return why == ENOENT ? fail(err, ERROR_CATALOG,
					       "there is no %s on this machine (apt-get install "
					       "qemu-system-x86 qemu-utils)",
					       launch->arguments[0])
		                     : fail_errno(err, ERROR_CATALOG, "cannot run %s",
					       launch->arguments[0]);
	}
	FAULT("child-runs");
	return 0;
}

int child_start(struct child *child, struct job *job, const char *name,
	const struct strings *arguments, const char *folder, const int *extras, struct error *err)
{
	int go[2] = {-1, -1}, failed[2] = {-1, -1};

	*child = (struct child){.job = job, .name = name, .pidfd = -1, .said = -1};
	child->said = memfd_create("said", MFD_CLOEXEC);
	autoclose int first = aside(extras ? extras[0] : -1);
	autoclose int second = aside(extras && extras[0] >= 0 ? extras[1] : -1);
	autoclose int output = aside(child->said);
	struct launch launch = {arguments->items, folder, 0, output, {first, second}, -1, -1};
	int result = child->said < 0 ? fail_errno(err, ERROR_RESOURCE, "no memory for a log") : 0;

	/* both writers go on where the other ended */
	if (result == 0 && fcntl(child->said, F_SETFL, O_APPEND) < 0)
		result = fail_errno(err, ERROR_BROKEN, "a log");
	if (result == 0)
		result = pipe_aside(go, err);
	if (result == 0)
		result = pipe_aside(failed, err);
	if (result == 0)
		result = fork_it(child, &launch, go, failed, err);
	for (int i = 0; i < 2; i++) {
		cleanup_close(&go[i]);
		cleanup_close(&failed[i]);
	}
	if (result < 0)
		child_close(child);
	return result;
}

/* ---- what it says ---- */

static void log_more(struct child *child)
{
	char buffer[4096];
	ssize_t got;

	while ((got = pread(child->said, buffer, sizeof(buffer), child->logged)) > 0) {
		build_log_add(&child->job->log, LOG_STDERR, buffer, got);
		child->logged += got;
	}
}

char *child_last_words(const struct child *child)
{
	char buffer[WORDS_MOST + 1];
	off_t size = child->said < 0 ? 0 : lseek(child->said, 0, SEEK_END);
	off_t from = size > WORDS_MOST ? size - WORDS_MOST : 0;
	ssize_t got = size > 0 ? pread(child->said, buffer, WORDS_MOST, from) : 0;
	CLEANUP(text_clear) struct text words = {0};

	for (ssize_t i = 0; i < got; i++) {
		bool last = i + 1 == got;
		if (buffer[i] == '\n' && !last)
			text_add(&words, "; ");
		else if ((unsigned char)buffer[i] >= ' ')
			text_add_char(&words, buffer[i]);
	}
	return text_take(&words);
}

/* ---- its end ---- */

static void reap(struct child *child)
{
	child->code = process_wait(child->pid);
	child->ended = true;
	log_more(child);
}

bool child_has_ended(struct child *child)
{
	struct pollfd wait = {.fd = child->pidfd, .events = POLLIN};

	if (child->pid && !child->ended && poll(&wait, 1, 0) > 0)
		reap(child);
	return !child->pid || child->ended;
}

int child_wait(struct child *child, int64_t deadline_usec, struct error *err)
{
	while (!child_has_ended(child)) {
		int64_t left = (deadline_usec - moment_elapsed_usec()) / 1000;
		struct pollfd wait = {.fd = child->pidfd, .events = POLLIN};
		log_more(child);
		if (job_check(child->job, err) < 0)
			return -1;
		if (left <= 0)
			return 0;
		poll(&wait, 1, left < TICK_MSEC ? (int)left : TICK_MSEC);
	}
	return 1;
}

void child_kill(struct child *child)
{
	if (child_has_ended(child))
		return;
	kill(-child->pid, SIGKILL);
	kill(child->pid, SIGKILL); /* it may not have its group yet */
	reap(child);
}

void child_close(struct child *child)
{
	struct error ignored;

	if (child->pid) {
		child_kill(child);
		note(child, "process-end", &ignored);
	}
	cleanup_close(&child->pidfd);
	cleanup_close(&child->said);
	*child = (struct child)CHILD_NONE;
}

int child_run(struct job *job, const char *name, const struct strings *arguments,
	const char *folder, struct error *err)
{
	struct child child;
	char how[64];

	if (child_start(&child, job, name, arguments, folder, NULL, err) < 0)
		return -1;
	int result = child_wait(&child, INT64_MAX, err) < 0 ? -1 : 0;
	if (result == 0 && child.code != 0) {
		autofree char *words = child_last_words(&child);
		result = fail(err, ERROR_CATALOG, "%s: %s%s%s", name,
			process_describe(child.code, how), *words ? ": " : "", words);
	}
	child_close(&child);
	return result;
}

/* ---- after a crash ---- */

static bool has_end(const struct json *entries, size_t from, int64_t pid, int64_t started)
{
	for (size_t i = from; i < json_count(entries); i++) {
		const struct json *entry = json_item(entries, i);
		if (strcmp(json_get_text(entry, "event", ""), "process-end") == 0 &&
			json_get_integer(entry, "pid", 0) == pid &&
			json_get_integer(entry, "started", 0) == started)
			return true;
	}
	return false;
}

/* Only the very process: its number may be another's by now. */
static int end_one(struct job *job, const struct json *entry, struct error *err)
{
	pid_t pid = (pid_t)json_get_integer(entry, "pid", 0);
	uint64_t started = (uint64_t)json_get_integer(entry, "started", 0);
	autofree char *boot = read_boot();

	if (pid <= 1 || !started || strcmp(boot, json_get_text(entry, "boot", "")) != 0)
		return 0;
	autoclose int pidfd = pidfd_open(pid, 0);
	if (pidfd < 0 || start_of(pid) != started)
		return 0;
	build_log_say(&job->log, "killing %s (process %d), which an earlier worker left",
		json_get_text(entry, "program", "a program"), (int)pid);
	kill(-pid, SIGKILL);
	if (pidfd_send_signal(pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return fail_errno(err, ERROR_BROKEN, "process %d cannot be killed", (int)pid);
	struct pollfd wait = {.fd = pidfd, .events = POLLIN};
	if (poll(&wait, 1, KILLED_MSEC) == 0)
		return fail(err, ERROR_BROKEN, "process %d does not end, though it was killed",
			(int)pid);
	return 0;
}

int child_end_leftovers(struct job *job, struct error *err)
{
	autojson struct json *entries = NULL;

	if (journal_read_own(&job->journal, &entries, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(entries); i++) {
		const struct json *entry = json_item(entries, i);
		if (strcmp(json_get_text(entry, "event", ""), "process") != 0 ||
			has_end(entries, i, json_get_integer(entry, "pid", 0),
				json_get_integer(entry, "started", 0)))
			continue;
		if (end_one(job, entry, err) < 0)
			return -1;
	}
	return 0;
}
