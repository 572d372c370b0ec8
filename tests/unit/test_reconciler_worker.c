/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "reconciler/worker.h"
#include "reconciler/worker_unit.h"
#include "tests/unit/check.h"

static pid_t start_shell(const char *script)
{
	const char *arguments[] = {"sh", "-c", script, NULL};
	struct process_options options = PROCESS_OPTIONS;
	struct error err;

	options.arguments = arguments;
	options.new_session = true;
	return process_start(&options, &err);
}

static int end_of(pid_t pid)
{
	int fd = worker_watch(pid);
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	CHECK(fd >= 0 && poll(&wait, 1, 30000) == 1, "its end is noticed");
	close(fd);
	return worker_wait(pid);
}

int main(void)
{
	setenv("KILN_WORKERS", "session", 1);
	CHECK(!worker_unit_possible(), "units can be refused");
	CHECK(worker_unit_end(getpid()) == -1, "what is no unit has no end of one");
	CHECK(end_of(start_shell("exit 3")) == 3, "an exit code is known");
	pid_t pid = start_shell("sleep 100");
	worker_kill(pid);
	CHECK(end_of(pid) == 128 + SIGKILL, "and a signal");
	CHECK(worker_watch(pid) < 0 && errno == ESRCH, "what is gone cannot be watched");
	CHECK(worker_wait(getppid()) == 128 + SIGKILL, "of one that is not ours nobody learns it");
	return check_done();
}
