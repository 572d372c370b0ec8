/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Workers, kiln-build: a process for each job, as a unit that systemd starts, or in a session of its own. What became of a job is read from the build's
 * journal, so it does not matter which kilnd started the worker.
 */

#include <stdint.h>
#include <sys/types.h>

#include "base/json.h"
#include "reconciler/replace.h"

/* The newest run of a build's worker. */
struct worker_run {
	enum job_kind job;
	enum run_state state;
	pid_t pid;            /* RUN_ALIVE */
	struct error failure; /* RUN_FAILED */
	int deaths;           /* workers of that job that began and never said how they ended */
};

/* Starts a worker with ORDER on its standard input, ERRORS as its standard error. The pid, or -1. */
pid_t worker_start(const struct json *order, int errors, struct error *err);

/* The same with a flag of the program, for what is no build's job. */
struct worker_streams {
	int output, errors;
};
pid_t worker_start_with(const char *flag, const struct json *order,
	const struct worker_streams *streams, struct error *err);
/* The real start of one: what the world's table has. */
pid_t worker_spawn(const char *flag, const struct json *order, const struct worker_streams *streams,
	struct error *err);
/* The same of another program of kiln's. */
pid_t worker_spawn_program(const char *name, const char *flag, const struct json *order,
	const struct worker_streams *streams, struct error *err);
/* The path of a program of kiln's; the caller frees. */
char *worker_find_program(const char *name);
/* The program's path; the caller frees. */

char *worker_program(void);

/*
 * What became of the run number SERIAL of JOB, as the journal in FOLDER has it. No journal, or none of that run, is
 * RUN_NONE. ENTRIES (may be NULL) gets the journal; the caller frees.
 */
int worker_read(const char *folder, enum job_kind job, int64_t serial, struct worker_run *run,
	struct json **entries, struct error *err);

/* A descriptor that becomes readable when the worker ends, or did: the caller closes. -1 and errno. */
int worker_watch(pid_t pid);
/* The code of one that ended, as process_wait has it; one that this process did not start counts as killed. */
int worker_wait(pid_t pid);

/* Ends the worker and all that it started, at once. */
void worker_kill(pid_t pid);
