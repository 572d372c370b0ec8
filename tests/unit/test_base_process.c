/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/moment.h"
#include "tests/unit/check.h"

static struct error err;
static struct text said;

/* Runs SCRIPT in a shell; what it said is in SAID. */
static int run(const char *script, struct process_options options, int64_t timeout_sec, size_t most)
{
	const char *arguments[] = {"sh", "-c", script, NULL};

	options.arguments = arguments;
	text_reset(&said);
	return process_run(&options, timeout_sec, most, &said, &err);
}

static void runs(void)
{
	static const char *const environment[] = {"ONLY=this", NULL};
	struct process_options options = PROCESS_OPTIONS;

	CHECK_NUMBER(run("echo out; echo err >&2; exit 3", options, 30, 100), 3,
		"the code it ends with");
	CHECK_TEXT(text_get(&said), "out\nerr\n", "and what it said, on both");
	CHECK_NUMBER(run("printf 123456789", options, 30, 4), 0, "what says much");
	CHECK_TEXT(text_get(&said), "1234", "is kept to its beginning");
	CHECK_NUMBER(
		run("kill -TERM $$", options, 30, 100), 128 + SIGTERM, "one that a signal ends");
	CHECK_NUMBER(run("cat", options, 30, 100), 0, "its input is empty");
	options.folder = "/usr";
	CHECK_NUMBER(run("pwd", options, 30, 100), 0, "in a folder");
	CHECK_TEXT(text_get(&said), "/usr\n", "of its own");
	options.environment = environment;
	CHECK_NUMBER(run("echo $ONLY-$HOME-", options, 30, 100), 0, "with an environment");
	CHECK_TEXT(text_get(&said), "this--\n", "of its own");
	options.folder = "/none/such";
	CHECK(run("true", options, 30, 100) < 0, "in a folder that is not there nothing starts");
}

static void ends_in_time(void)
{
	struct process_options options = PROCESS_OPTIONS;
	int64_t began = moment_elapsed_usec();

	CHECK(run("echo begun; sleep 60 & sleep 60", options, 1, 100) < 0,
		"what does not end is ended");
	CHECK(moment_elapsed_usec() - began < 20 * 1000000LL, "when its time is over");
	CHECK_TEXT(text_get(&said), "begun\n", "what it said is kept");
	const char *arguments[] = {"/none/such", NULL};
	options.arguments = arguments;
	CHECK(process_start(&options, &err) < 0 && strstr(err.text, "/none/such"),
		"a program that is not there is named");
}

/* Of ours it has those that were given. */
static void gives_descriptors(void)
{
	struct process_options options = PROCESS_OPTIONS;
	int ends[2], extra[2];
	char buffer[64] = "", script[256];

	if (!CHECK(pipe2(ends, O_CLOEXEC) == 0 && pipe2(extra, O_CLOEXEC) == 0, "two pipes"))
		return;
	int high = fcntl(ends[0], F_DUPFD_CLOEXEC, 100);
	snprintf(script, sizeof(script),
		"echo three >&3; for n in %d %d; do [ ! -e /proc/$$/fd/$n ] || echo $n; done; echo "
		"end",
		high, extra[1] > 3 ? extra[1] : high);
	const char *arguments[] = {"sh", "-c", script, NULL};
	options.arguments = arguments;
	options.output = ends[1];
	options.extra = extra[1];
	pid_t pid = process_start(&options, &err);
	CHECK(pid > 0 && process_wait(pid) == 0, "a program with a descriptor more");
	CHECK(read(extra[0], buffer, sizeof(buffer)) == 6 && memcmp(buffer, "three\n", 6) == 0,
		"it is its third");
	CHECK(read(ends[0], buffer, sizeof(buffer)) == 4 && memcmp(buffer, "end\n", 4) == 0,
		"of the others it has none");
	close(ends[0]);
	close(ends[1]);
	close(extra[0]);
	close(extra[1]);
	close(high);
}

static void leaves_signals(void)
{
	struct process_options options = PROCESS_OPTIONS;
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
	const char *arguments[] = {"grep", "SigBlk", "/proc/self/status", NULL};
	options.arguments = arguments;
	text_reset(&said);
	CHECK_NUMBER(process_run(&options, 30, 100, &said, &err), 0, "what we block");
	CHECK_TEXT(text_get(&said), "SigBlk:\t0000000000000000\n", "it does not");
	CHECK_NUMBER(run("kill -PIPE $$; exit 9", options, 30, 100), 128 + SIGPIPE,
		"what we ignore it does not");
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
}

int main(void)
{
	char text[64];

	runs();
	ends_in_time();
	gives_descriptors();
	leaves_signals();
	CHECK_TEXT(process_describe(3, text), "exit code 3", "a code is described");
	CHECK_TEXT(process_describe(137, text), "killed by signal 9 (Killed)", "and a signal");
	text_clear(&said);
	return check_done();
}
