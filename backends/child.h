/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Programs that a build runs and that must not outlive it (QEMU, qemu-img). Each is written down in the build's journal, by process
 * id and start time, before it runs; it is killed when the worker dies (alone: what it started itself only child_kill ends), and
 * what survives even that the build's next job ends.
 */

#include "backends/job.h"
#include "base/strings.h"

enum { CHILD_EXTRA_COUNT = 3 };

struct child {
	struct job *job;
	const char *name; /* for messages; borrowed */
	pid_t pid;        /* 0: none */
	int pidfd, said;  /* what it says on standard output and error */
	uint64_t started; /* clock ticks since boot, as /proc/PID/stat has it */
	off_t logged;     /* bytes of `said` that are in the log */
	bool ended;
	int code; /* of process_wait, once it ended */
};
#define CHILD_NONE                      \
	{                               \
		.pidfd = -1, .said = -1 \
	}

/*
 * Starts ARGUMENTS in FOLDER (absolute), in a process group of its own, standard input being /dev/null; EXTRA (NULL, -1: none) become its
 * descriptors 3, 4 and 5. NAME is borrowed. An error of kind CATALOG if there is no such program.
 */
int child_start(struct child *child, struct job *job, const char *name,
	const struct strings *arguments, const char *folder, const int extra[CHILD_EXTRA_COUNT],
	struct error *err);
/* Waits until it ended, 1; 0 when DEADLINE_USEC (of moment_elapsed_usec) passed; -1 if the job is to end. Logs what it says. */
int child_wait(struct child *child, int64_t deadline_usec, struct error *err);
/* It ended by now. Never waits. */
bool child_has_ended(struct child *child);
/* Kills it with its group if it runs, and waits for that. */
void child_kill(struct child *child);
/* The same, gives back what it holds, and crosses it out in the journal. */
void child_close(struct child *child);
/* The end of what it said, on one line; the caller frees. */
char *child_last_words(const struct child *child);

/* Runs it to its end; another exit code than 0 is an error with its last words. */
int child_run(struct job *job, const char *name, const struct strings *arguments,
	const char *folder, struct error *err);

/* Kills what earlier workers of this build started and did not end, by their journal. */
int child_end_leftovers(struct job *job, struct error *err);
