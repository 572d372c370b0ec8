/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/moment.h"

enum {
	ASIDE = 100
}; /* where descriptors wait for their turn: none that is wanted may be overwritten before it */

/* Descriptors 0 to 3 become what OPTIONS says, and no other is left open. */
static void give_descriptors(
	posix_spawn_file_actions_t *actions, const struct process_options *options)
{
	const int from[] = {options->input, options->output, options->errors, options->extra};
	const int count = options->extra >= 0 ? 4 : 3;

	for (int to = 0; to < count; to++) {
		if (from[to] < 0)
			posix_spawn_file_actions_addopen(
				actions, ASIDE + to, "/dev/null", O_RDWR, 0);
		else
			posix_spawn_file_actions_adddup2(actions, from[to], ASIDE + to);
	}
	for (int to = 0; to < count; to++)
		posix_spawn_file_actions_adddup2(actions, ASIDE + to, to);
	posix_spawn_file_actions_addclosefrom_np(actions, count);
}

pid_t process_start(const struct process_options *options, struct error *err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	sigemptyset(&none);
	sigfillset(&all);
	sigdelset(&all, SIGKILL);
	sigdelset(&all, SIGSTOP);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	if (options->new_session)
		flags |= POSIX_SPAWN_SETSID;
	posix_spawnattr_setflags(&attributes, flags);
	if (options->folder)
		posix_spawn_file_actions_addchdir_np(&actions, options->folder);
	give_descriptors(&actions, options);

	int failed = posix_spawnp(&pid, options->arguments[0], &actions, &attributes,
		(char *const *)options->arguments,
		options->environment ? (char *const *)options->environment : environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (failed) {
		errno = failed;
		return fail_errno(err, ERROR_BROKEN, "cannot start %s", options->arguments[0]);
	}
	return pid;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

void process_close_others(int *kept, size_t count)
{
	int from = STDERR_FILENO + 1;

	qsort(kept, count, sizeof(*kept), compare);
	for (size_t i = 0; i < count; i++) {
		if (kept[i] < from)
			continue;
		if (kept[i] > from)
			close_range((unsigned)from, (unsigned)kept[i] - 1, 0);
		from = kept[i] + 1;
	}
	close_range((unsigned)from, INT_MAX, 0);
}

int process_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Reads until the writers are gone or the deadline passed; false in the latter case. */
static bool collect(int fd, int64_t deadline_usec, size_t most, struct text *out)
{
	char buffer[16384];

	for (;;) {
		int64_t left = (deadline_usec - moment_elapsed_usec()) / 1000;
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		if (left <= 0)
			return false;
		int ready = poll(&wait, 1, left > 60000 ? 60000 : (int)left);
		if (ready <= 0)
			continue;
		ssize_t got = read(fd, buffer, sizeof(buffer));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return true;
		size_t room = out->size < most ? most - out->size : 0;
		text_add_bytes(out, buffer, (size_t)got < room ? (size_t)got : room);
	}
}

int process_run(const struct process_options *options, int64_t timeout_sec, size_t most,
	struct text *out, struct error *err)
{
	struct process_options own = *options;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_errno(err, ERROR_BROKEN, "cannot make a pipe");
	autoclose int reading = ends[0];
	autoclose int writing = ends[1];
	own.output = own.errors = writing;
	own.new_session = true;
	pid_t pid = process_start(&own, err);
	if (pid < 0)
		return -1;
	close(TAKE_FD(writing));
	bool ended = collect(reading, moment_elapsed_usec() + timeout_sec * 1000000, most, out);
	if (!ended)
		kill(-pid, SIGKILL);
	int code = process_wait(pid);
	if (!ended)
		return fail(err, ERROR_TRANSIENT, "%s did not end within %lld seconds",
			options->arguments[0], (long long)timeout_sec);
	return code;
}

const char *process_describe(int code, char text[static 64])
{
	if (code < 128)
		snprintf(text, 64, "exit code %d", code);
	else
		snprintf(text, 64, "killed by signal %d (%s)", code - 128, strsignal(code - 128));
	return text;
}
