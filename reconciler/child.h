/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A program that works for the head, and whose end somebody waits for: the loop is woken when it comes, and nothing here waits. Programs
 * of kiln's are units where systemd starts any for us, and sessions of ours elsewhere.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/json.h"
#include "base/process.h"

struct loop;
struct child;

/* What of kiln's is to be run. */
struct child_program {
	const char *name;         /* "kiln-build" */
	const char *flag;         /* or NULL */
	const struct json *order; /* on its standard input */
	int output, errors;       /* -1: /dev/null */
};

/* Starts it. What is needed is copied. NULL on error; one that turns out later has ended, with code 127. */
struct child *child_start(
	struct loop *loop, const struct child_program *program, struct error *err);
/* Any other program, at once, in a session of its own. */
struct child *child_run(
	struct loop *loop, const struct process_options *options, struct error *err);
/* Watches the process PID that somebody else started: how it ended is not known, and counts as killed. */
struct child *child_watch(struct loop *loop, pid_t pid, struct error *err);

/* CODE as process_wait has it. */
bool child_has_ended(const struct child *child, int *code);
/* OVER is called at its end, from the loop, for who has no task to look by; it may free the child. */
void child_tell(struct child *child, void (*over)(void *context, int code), void *context);
/* Sends SIGNAL to its first process, as soon as there is one. */
void child_signal(struct child *child, int signal);
/* Ends it, and all that it started, at once. */
void child_kill(struct child *child);
/* One that still runs is killed. */
void child_free(struct child *child);
/* One that still runs goes on. */
void child_release(struct child *child);
/* It is asked to end, and made to after a few seconds, and nobody hears of it any more. */
void child_dismiss(struct child *child);
/* The same where the loop is over: waits for it. */
void child_finish(struct child *child);
/* The loop ends: nobody is left to see the end of those that nobody waits for. */
void child_forget_orphans(void);
