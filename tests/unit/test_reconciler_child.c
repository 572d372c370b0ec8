/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that work for the head, and how their ends are heard. */
#include "reconciler/child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "reconciler/head.h"
#include "reconciler/loop.h"
#include "reconciler/worker_unit.h"
#include "tests/unit/check.h"

static struct loop *loop;

static struct child *run(const char *script)
{
	const char *arguments[] = {"sh", "-c", script, NULL};
	struct process_options options = PROCESS_OPTIONS;
	struct error err;

	options.arguments = arguments;
	options.new_session = true;
	return child_run(loop, &options, &err);
}

/* Runs the loop until CHILD ended. */
static int end_of(struct child *child)
{
	int code = -1;

	while (!child_has_ended(child, &code))
		if (sd_event_run(loop_event(loop), UINT64_MAX) < 0)
			return -1;
	return code;
}

static void note_code(void *context, int code)
{
	*(int *)context = code;
}

int main(void)
{
	char folder[] = "/tmp/kiln-test-child-XXXXXX";
	struct head head = {.state = mkdtemp(folder)};
	struct error err;
	int told = -1, code;

	setenv("KILN_WORKERS", "session", 1);
	CHECK(!worker_unit_possible(), "units can be refused");
	if (loop_new(&head, &loop, &err) < 0)
		exit(2);
	struct child *child = run("exit 3");
	CHECK(child && end_of(child) == 3, "an exit code is known");
	child_free(child);

	child = run("sleep 100 & wait");
	CHECK(child && !child_has_ended(child, &code), "one that runs has not ended");
	child_kill(child);
	CHECK(end_of(child) == 128 + SIGKILL, "one that is killed has");
	child_free(child);

	child = run("trap 'exit 5' TERM; while :; do sleep 0.01; done");
	child_tell(child, note_code, &told);
	usleep(100000); /* its trap is set */
	child_signal(child, SIGTERM);
	while (told < 0 && sd_event_run(loop_event(loop), UINT64_MAX) >= 0)
		;
	CHECK_NUMBER(told, 5, "who asked to be told is told");
	child_free(child);

	pid_t other = fork();
	if (other == 0)
		_exit(0);
	child = child_watch(loop, other, &err);
	CHECK(child && end_of(child) == 128 + SIGKILL,
		"how one ended that somebody else started nobody learns");
	child_free(child);
	waitpid(other, NULL, 0);
	child = child_watch(loop, other, &err);
	CHECK(!child || end_of(child) == 128 + SIGKILL, "what is gone has ended");
	child_free(child);
	loop_free(loop);
	CHECK(rmdir(folder) == 0, "nothing is left");
	return check_done();
}
