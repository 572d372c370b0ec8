/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/checking.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "reconciler/child.h"

enum { PROGRAM_SEC = 20, SAID_MOST = 64 * 1024, NOT_STARTED = 127 };

struct checking {
	struct task task; /* first: tasks are checkings */
	struct loop *loop;
	struct signature_check *check;
	struct child *child;
	int said;
	sd_event_source *timer;
	bool late;
	void (*over)(void *context, int result, const struct error *why);
	void *context;
};

/* What a program says is written into a file of no name that does not grow. */
static int open_said(struct error *err)
{
	autoclose int fd = memfd_create("said", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, SAID_MOST) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) < 0)
		return fail_errno(err, ERROR_RESOURCE, "no memory for a file");
	return TAKE_FD(fd);
}

/* The place in the file is its writers' and ours alike. */
static int read_said(struct checking *checking, struct text *said, struct error *err)
{
	off_t size = lseek(checking->said, 0, SEEK_CUR);

	if (size < 0 || lseek(checking->said, 0, SEEK_SET) < 0)
		return fail_errno(err, ERROR_BROKEN, "cannot read what a program said");
	if (size > 0 && file_read_fd(checking->said, SAID_MOST, said, err) < 0)
		return -1;
	said->size = (size_t)size;
	return 0;
}

static int on_overdue(sd_event_source *source, uint64_t usec, void *context)
{
	struct checking *checking = context;

	(void)source;
	(void)usec;
	checking->late = true;
	child_kill(checking->child);
	return 0;
}

static void end_program(struct checking *checking)
{
	child_free(TAKE(checking->child));
	checking->timer = sd_event_source_disable_unref(checking->timer);
	cleanup_close(&checking->said);
	checking->said = -1;
}

static int start(struct checking *checking, struct error *err)
{
	struct process_options options;
	CLEANUP(text_clear) struct text nothing = {0};

	if (signature_program(checking->check, &options, err) < 0)
		return -1;
	checking->said = open_said(err);
	if (checking->said < 0)
		return -1;
	options.output = options.errors = checking->said;
	checking->child = child_run(checking->loop, &options, err);
	if (!checking->child)
		return signature_ran(checking->check, NOT_STARTED, &nothing, err);
	if (sd_event_add_time_relative(loop_event(checking->loop), &checking->timer,
		    CLOCK_MONOTONIC, (uint64_t)PROGRAM_SEC * 1000000, 0, on_overdue, checking) < 0)
		return fail(err, ERROR_BROKEN, "cannot set a timer");
	return SIGNATURE_ASKS;
}

/* Its program has ended: what is the answer, or the next one? */
static int go_on(struct checking *checking, int code, struct error *err)
{
	CLEANUP(text_clear) struct text said = {0};
	bool late = checking->late;
	int result = read_said(checking, &said, err);

	end_program(checking);
	if (late)
		return fail(err, ERROR_TRANSIENT,
			"the program that checks it did not end within %d seconds", PROGRAM_SEC);
	if (result == 0)
		result = signature_ran(checking->check, code, &said, err);
	return result == SIGNATURE_ASKS ? start(checking, err) : result;
}

static bool advance(struct loop *loop, struct task *task)
{
	struct checking *checking = (struct checking *)task;
	struct error err = {0};
	int code, result;

	(void)loop;
	if (!checking->child)
		result = start(checking, &err);
	else if (child_has_ended(checking->child, &code))
		result = go_on(checking, code, &err);
	else
		return false;
	if (result == SIGNATURE_ASKS)
		return true;
	task->done = true;
	checking->over(checking->context, result, &err);
	return true;
}

static void cancel(struct loop *loop, struct task *task)
{
	(void)loop;
	(void)task; /* it has an end of its own, and others may wait for it */
}

static void free_checking(struct task *task)
{
	struct checking *checking = (struct checking *)task;

	end_program(checking);
	signature_check_free(checking->check);
	free(checking);
}

void checking_begin(struct loop *loop, struct signature_check *check,
	void (*over)(void *context, int result, const struct error *why), void *context)
{
	struct checking *checking = memory_new(sizeof(*checking));

	*checking = (struct checking){
		.task = {NULL, false, NULL, advance, NULL, NULL, cancel, free_checking},
		.loop = loop,
		.check = check,
		.said = -1,
		.over = over,
		.context = context};
	loop_add_task(loop, &checking->task);
}

int checking_run(struct signature_check *check, struct error *err)
{
	int result = SIGNATURE_ASKS;

	while (result == SIGNATURE_ASKS) {
		CLEANUP(text_clear) struct text said = {0};
		struct process_options options;
		struct error why;
		if (signature_program(check, &options, err) < 0)
			result = -1;
		else {
			int code = process_run(&options, PROGRAM_SEC, SAID_MOST, &said, &why);
			bool late = code < 0 && why.kind == ERROR_TRANSIENT;
			if (late)
				*err = why;
			result = late ? -1
			              : signature_ran(
						check, code < 0 ? NOT_STARTED : code, &said, err);
		}
	}
	signature_check_free(check);
	return result;
}
