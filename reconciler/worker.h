/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Workers, kiln-build: a process for each job, as a unit that systemd starts, or in a session of its own. What became of a job is read from the build's
 * journal, so it does not matter which kilnd started the worker.
 */

#include <stdint.h>
#include <sys/types.h>

#include "base/json.h"
#include "reconciler/child.h"
#include "reconciler/replace.h"

/* The newest run of a build's worker. */
struct worker_run {
	enum job_kind job;
	enum run_state state;
	pid_t pid;            /* RUN_ALIVE */
	struct error failure; /* RUN_FAILED */
	int deaths;           /* workers of that job that began and never said how they ended */
};

struct worker_streams {
	int output, errors;
};
/* Starts a worker with ORDER on its standard input; FLAG is for what is no build's job, NULL for what is. NULL on error. */
struct child *worker_start(struct loop *loop, const char *flag, const struct json *order,
	const struct worker_streams *streams, struct error *err);
/* The real start of one: what the world's table has. */
struct child *worker_spawn(struct loop *loop, const char *flag, const struct json *order,
	const struct worker_streams *streams, struct error *err);
/* A file without a name that has ORDER, whole: it does not depend on how long we live. The descriptor, or -1. */
int worker_write_order(const struct json *order, struct error *err);
/* kiln-build-BUILD-SERIAL, kiln-build--collect-RANDOM: no two are the same. The caller frees. */
char *worker_unit_name(const char *program, const char *flag, const struct json *order);
/* The path of a program of kiln's, beside ours; the caller frees. */
char *worker_find_program(const char *name);
/* The worker's; the caller frees. */
char *worker_program(void);

/*
 * What became of the run number SERIAL of JOB, as the journal in FOLDER has it. No journal, or none of that run, is
 * RUN_NONE. ENTRIES (may be NULL) gets the journal; the caller frees.
 */
int worker_read(const char *folder, enum job_kind job, int64_t serial, struct worker_run *run,
	struct json **entries, struct error *err);
