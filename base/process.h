/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Other programs: started with exactly the descriptors and environment they were given. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

struct process_options {
	const char *const
		*arguments; /* [0] is the program; a name without '/' is looked up in PATH */
	const char *const *environment; /* NULL: ours */
	const char *folder;             /* working folder; NULL: ours */
	int input, output, errors;      /* descriptors for 0, 1, 2; -1: /dev/null */
	int extra;                      /* becomes descriptor 3; -1: none */
	bool new_session;
};

#define PROCESS_OPTIONS                                              \
	{                                                            \
		.input = -1, .output = -1, .errors = -1, .extra = -1 \
	}

/* Starts it; every descriptor of ours but those named is closed in it (all are O_CLOEXEC). The pid, or -1. */
pid_t process_start(const struct process_options *options, struct error *err);

/* In a process that fork made: every descriptor above 2 but KEPT (-1 is none), which is put in order, is closed. */
void process_close_others(int *kept, size_t count);

/* Blocks until it ended. The exit code, or 128 + the signal that ended it. */
int process_wait(pid_t pid);

/*
 * Runs it to its end and adds what it says on standard output and error to OUT (at most MOST bytes are kept).
 * After TIMEOUT_SEC it is killed with its session: that is an error, as is a program that cannot be started.
 * The exit code otherwise.
 */
int process_run(const struct process_options *options, int64_t timeout_sec, size_t most,
	struct text *out, struct error *err);

/* "exit code 3", "killed by signal 9 (Killed)" for a code of process_wait. */
const char *process_describe(int code, char text[static 64]);
