/* SPDX-License-Identifier: Apache-2.0 */
/* The client against a QEMU that is made up: what it says lies ready, or follows what is asked. */
#include "backends/qemu/qmp.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/moment.h"
#include "tests/unit/check.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"

enum { SEC = 1000000 };

static struct job job;

/* A child that says GREETING, and after each line that it reads the next of ANSWERS; then it ends. */
static int serve(const char *greeting, const char *const *answers, pid_t *pid)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	*pid = fork();
	if (*pid == 0) {
		close(ends[0]);
		if (write(ends[1], greeting, strlen(greeting)) < 0)
			_exit(1);
		for (; *answers; answers++) {
			char c = 0;
			while (c != '\n')
				if (read(ends[1], &c, 1) != 1)
					_exit(0);
			if (write(ends[1], *answers, strlen(*answers)) < 0)
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	return ends[0];
}

#define ANSWERS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define CAPABLE "{\"return\": {}, \"id\": 1}\r\n"

static void negotiates(void)
{
	struct error err = {0};
	struct qmp qmp;
	pid_t pid;
	autojson struct json *event = NULL;

	int fd = serve(GREETING,
		ANSWERS(CAPABLE,
			"{\"event\": \"RESUME\", \"data\": {}}\r\n{\"return\": {\"status\": "
			"\"running\"}, \"id\": 2}\r\n",
			"{\"error\": {\"class\": \"GenericError\", \"desc\": \"no such thing\"}, "
			"\"id\": 3}\r\n",
			"{\"return\": {}, \"id\": 99}\n{\"return\": {}, \"id\": 4}\n{\"event\": "
			"\"SHUTDOWN\"}\n"),
		&pid);
	if (!CHECK(qmp_open(&qmp, fd, &job, 5 * SEC, &err) == 0, "it negotiates"))
		return;
	autofree char *status = NULL;
	CHECK(qmp_query_status(&qmp, &status, &err) == 0, "a command is answered");
	CHECK_TEXT(status, "running", "with what it returns");
	CHECK(qmp_press_power(&qmp, &err) < 0 && strstr(err.text, "no such thing") &&
			err.kind == ERROR_BROKEN,
		"a refusal has QEMU's words: %s", err.text);
	CHECK(qmp_send_key(&qmp, "a", true, &err) == 0, "an answer to another is passed over");
	CHECK(qmp_wait_event(&qmp, "SHUTDOWN", 5 * SEC, &event, &err) == 1,
		"an event is waited for");
	CHECK_TEXT(json_get_text(event, "event", ""), "SHUTDOWN", "and had");
	CHECK(qmp_wait_event(&qmp, "RESUME", 0, NULL, &err) == 1, "one that came before is kept");
	CHECK(qmp_wait_event(&qmp, "RESUME", 0, NULL, &err) != 1, "once");
	CHECK(qmp_quit(&qmp, &err) < 0 && err.kind == ERROR_TRANSIENT, "QEMU's end is said: %s",
		err.text);
	qmp_close(&qmp);
	waitpid(pid, NULL, 0);
}

static void refuses(const char *greeting, const char *const *answers, const char *wanted)
{
	struct error err = {0};
	struct qmp qmp;
	pid_t pid;
	int fd = serve(greeting, answers, &pid);

	CHECK(qmp_open(&qmp, fd, &job, 5 * SEC, &err) < 0 && strstr(err.text, wanted), "%.40s",
		err.text);
	waitpid(pid, NULL, 0);
}

static void bounds_lines(void)
{
	struct error err = {0};
	struct qmp qmp;
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		static char block[65536];
		memset(block, 'x', sizeof(block));
		close(ends[0]);
		signal(SIGPIPE, SIG_IGN);
		while (write(ends[1], block, sizeof(block)) > 0)
			;
		_exit(0);
	}
	close(ends[1]);
	CHECK(qmp_open(&qmp, ends[0], &job, 60 * SEC, &err) < 0 && strstr(err.text, "longer than"),
		"a line without end: %s", err.text);
	waitpid(pid, NULL, 0);
}

/* It cannot be told anything any more, and what it said last lies there unread. */
static void hears_last_words(void)
{
	static const char before[] = GREETING CAPABLE, last[] = "{\"event\": \"SHUTDOWN\"}\n";
	struct error err = {0};
	struct qmp qmp;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 ||
		write(ends[1], before, sizeof(before) - 1) < 0 ||
		!CHECK(qmp_open(&qmp, ends[0], &job, 5 * SEC, &err) == 0, "one is about to end") ||
		write(ends[1], last, sizeof(last) - 1) < 0)
		return;
	close(ends[1]);
	CHECK(qmp_press_power(&qmp, &err) < 0 && err.kind == ERROR_TRANSIENT,
		"one that ended takes no command: %s", err.text);
	CHECK(qmp_wait_event(&qmp, "SHUTDOWN", 0, NULL, &err) == 1, "its last event is had");
	qmp_close(&qmp);
}

static void keeps_time(void)
{
	struct error err = {0};
	struct qmp qmp;
	int ends[2];
	int64_t start = moment_elapsed_usec();

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return;
	CHECK(qmp_open(&qmp, ends[0], &job, SEC / 5, &err) < 0 && err.kind == ERROR_TRANSIENT &&
			moment_elapsed_usec() - start >= SEC / 5,
		"one that says nothing: %s", err.text);
	close(ends[1]);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return;
	job.deadline_usec = moment_elapsed_usec() + SEC / 5;
	CHECK(qmp_open(&qmp, ends[0], &job, 600 * SEC, &err) < 0, "the job's end is obeyed: %s",
		err.text);
	job.deadline_usec = 0;
	close(ends[1]);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	negotiates();
	refuses("", ANSWERS(NULL), "closed");
	refuses("hello\n", ANSWERS(NULL), "QEMU's answer");
	refuses("[]\n", ANSWERS(NULL), "no object");
	refuses("{\"a\":1,\"a\":2}\n", ANSWERS(NULL), "QEMU's answer");
	refuses("{\"VNC\":1}\n", ANSWERS(NULL), "no QEMU");
	refuses(GREETING, ANSWERS("{\"id\":1}\n"), "says nothing");
	bounds_lines();
	hears_last_words();
	keeps_time();
	return check_done();
}
