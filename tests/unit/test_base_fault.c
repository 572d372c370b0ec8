/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "tests/unit/check.h"

/* Passes "one", "two", "one" in a child; at which it died, 0: at none, -1: not as kill -9 does. */
static int pass(const char *fault, const char *log)
{
	int ends[2], status = 0;
	char reached = 0;

	if (pipe(ends) < 0)
		return -1;
	pid_t child = fork();
	if (child == 0) {
		if (fault)
			setenv("KILN_FAULT", fault, 1);
		if (log)
			setenv("KILN_FAULT_LOG", log, 1);
		fault_arm();
		if (fault_is_armed != (fault || log))
			_exit(2);
		FAULT("one");
		status += write(ends[1], "a", 1);
		FAULT("two");
		status += write(ends[1], "b", 1);
		FAULT("one");
		status += write(ends[1], "c", 1);
		_exit(status != 3);
	}
	close(ends[1]);
	int count = 0;
	while (read(ends[0], &reached, 1) == 1)
		count++;
	close(ends[0]);
	waitpid(child, &status, 0);
	if (WIFEXITED(status))
		return WEXITSTATUS(status) ? -1 : 0;
	return WTERMSIG(status) == SIGKILL ? count + 1 : -1;
}

int main(void)
{
	char log[] = "/tmp/kiln-test-fault-XXXXXX";

	unsetenv("KILN_FAULT");
	unsetenv("KILN_FAULT_LOG");
	CHECK_NUMBER(pass(NULL, NULL), 0, "without a fault nothing happens");
	CHECK_NUMBER(pass("none", NULL), 0, "nor at one that is never reached");
	CHECK_NUMBER(pass("on", NULL), 0, "nor at one whose name only begins so");
	CHECK_NUMBER(pass("one", NULL), 1, "at the first");
	CHECK_NUMBER(pass("two", NULL), 2, "at another");
	CHECK_NUMBER(pass("one:2", NULL), 3, "at the second time round");
	CHECK_NUMBER(pass("one:3", NULL), 0, "there is no third");

	int fd = mkstemp(log);
	char names[64] = "";
	CHECK(fd >= 0 && pass(NULL, log) == 0, "with a log alone nothing happens");
	CHECK(read(fd, names, sizeof(names) - 1) > 0, "but it is written");
	CHECK_TEXT(names, "one\ntwo\none\n", "with the names that were passed");
	CHECK_NUMBER(
		pass("one:3", log), 1, "over all processes that write there the third is the next");
	CHECK_NUMBER(pass("two:2", log), 2, "and so the second of another");
	close(fd);
	unlink(log);
	return check_done();
}
