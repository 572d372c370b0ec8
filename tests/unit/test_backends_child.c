/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of a build, written down in its journal, and what a worker that was killed left. */
#include "backends/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "tests/unit/check.h"

static struct job job;

static void open_job(char *folder)
{
	struct error err;

	if (!mkdtemp(folder))
		exit(2);
	job = (struct job){.folder = folder, .journal = {-1}, .log = {.fd = -1}, .work_fd = -1};
	job.folder_fd = folder_open(AT_FDCWD, folder, &err);
	if (journal_open(job.folder_fd, &job.journal, &err) < 0 ||
		build_log_open(&job.log, job.folder_fd, "b", INT64_MAX, &err) < 0)
		exit(2);
}

static void begin(struct strings *arguments, const char *script)
{
	strings_add(arguments, "/bin/sh");
	strings_add(arguments, "-c");
	strings_add(arguments, script);
}

static int64_t in(int64_t sec)
{
	return moment_elapsed_usec() + sec * 1000000;
}

static void runs(void)
{
	CLEANUP(strings_clear) struct strings good = {0}, bad = {0}, none = {0}, extra = {0};
	struct child child;
	struct error err = {0};
	int ends[2];
	char c = 0;

	begin(&good, "test \"$(pwd)\" = /usr && read line || exit 0; exit 1");
	CHECK(child_run(&job, "good", &good, "/usr", &err) == 0,
		"a program runs in its folder, without input");
	begin(&bad, "echo one; echo two >&2; exit 3");
	CHECK(child_run(&job, "bad", &bad, "/", &err) < 0, "its failure is ours");
	CHECK_TEXT(err.text, "bad: exit code 3: one; two", "with its last words");
	strings_add(&none, "nosuch-program");
	CHECK(child_start(&child, &job, "none", &none, "/", NULL, &err) < 0 &&
			err.kind == ERROR_CATALOG,
		"one that is not there: %s", err.text);
	begin(&extra, "echo x >&3");
	if (pipe(ends) == 0 &&
		child_start(&child, &job, "extra", &extra, "/", (int[]){ends[1], -1, -1}, &err) == 0) {
		CHECK(child_wait(&child, in(60), &err) == 1 && child.code == 0 &&
				read(ends[0], &c, 1) == 1 && c == 'x',
			"it inherits one descriptor, the third");
		child_close(&child);
	}
}

static void is_killed(void)
{
	CLEANUP(strings_clear) struct strings arguments = {0};
	struct child child;
	struct error err = {0};

	begin(&arguments, "sleep 1000 & echo $!; wait");
	if (!CHECK(child_start(&child, &job, "long", &arguments, "/", NULL, &err) == 0,
		    "one that takes long"))
		return;
	CHECK(child_wait(&child, moment_elapsed_usec() + 300000, &err) == 0,
		"is not waited for longer than that");
	autofree char *said = child_last_words(&child);
	pid_t grandchild = atoi(said);
	pid_t pid = child.pid;
	child_close(&child);
	CHECK(kill(pid, 0) < 0, "it is killed");
	for (int i = 0; i < 200 && grandchild && kill(grandchild, 0) == 0; i++)
		usleep(10000);
	CHECK(grandchild > 0 && kill(grandchild, 0) < 0, "with what it started");
}

/* A worker that starts one and dies of the same signal as by kill -9. */
static void dies_with_us(void)
{
	int ends[2];
	pid_t pid, left = 0;

	if (pipe(ends) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		CLEANUP(strings_clear) struct strings arguments = {0};
		struct child child;
		struct error err;
		begin(&arguments,
			"exec sleep 1000"); /* what it starts itself does not die with us */
		if (child_start(&child, &job, "left", &arguments, "/", NULL, &err) == 0 &&
			write(ends[1], &child.pid, sizeof(child.pid)) > 0)
			raise(SIGKILL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	if (read(ends[0], &left, sizeof(left)) != sizeof(left))
		left = 0;
	for (int i = 0; i < 500 && left && kill(left, 0) == 0; i++)
		usleep(10000);
	CHECK(left > 0 && kill(left, 0) < 0, "it dies with who started it");
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(pid, pid);
	return pid;
}

/* As child_start writes it down. STARTED 0: what is true. */
static void note(pid_t pid, int64_t started, const char *event)
{
	struct json *details = json_new_object();
	autofree char *path = memory_printf("/proc/%d/stat", (int)pid), *stat = NULL, *boot = NULL;
	struct error err;

	if (file_read(AT_FDCWD, path, 4096, &stat, NULL, &err) < 0 ||
		file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 256, &boot, NULL, &err) < 0)
		exit(2);
	boot[strcspn(boot, "\n")] = '\0';
	const char *p = strrchr(stat, ')');
	for (int field = 2; field < 22; field++)
		p = strchr(p + 1, ' ');
	json_set_text(details, "program", "sleeper");
	json_set_integer(details, "pid", pid);
	json_set_integer(details, "started", started ? started : strtoll(p, NULL, 10));
	json_set_text(details, "boot", boot);
	journal_add(&job.journal, event, details, &err);
}

static bool lives(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

static void ends_leftovers(void)
{
	pid_t left = sleeper(), other = sleeper(), done = sleeper();
	struct error err = {0};

	note(left, 0, "process");
	note(other, 1, "process");
	note(done, 0, "process");
	note(done, 0, "process-end");
	CHECK(child_end_leftovers(&job, &err) == 0, "what an earlier worker left is looked for");
	for (int i = 0; i < 500 && lives(left); i++)
		usleep(10000);
	CHECK(kill(left, 0) < 0, "what is left is killed");
	CHECK(lives(other), "another process of that number is not");
	CHECK(lives(done), "nor one that was ended");
	CHECK(journal_owner(job.folder_fd) == 0 && fcntl(job.journal.fd, F_GETFD) >= 0,
		"the journal is still ours");
	kill(other, SIGKILL);
	kill(done, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

int main(void)
{
	char folder[] = "/tmp/kiln-unit-XXXXXX";
	struct error ignored;

	open_job(folder);
	runs();
	is_killed();
	dies_with_us();
	ends_leftovers();
	build_log_close(&job.log);
	journal_close(&job.journal);
	close(job.folder_fd);
	folder_remove(AT_FDCWD, folder, &ignored);
	return check_done();
}
