/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One job of a worker (kiln-build): its order, read from standard input; its folder, STATE/builds/BUILD; its journal, log,
 * deadline and the end that somebody may wish for.
 *
 * The build's folder holds work/, and in it tree/, which is the repository as the build sees it (the written-out closure;
 * templates call it /run/kiln/repository) and where everything is written that a template's own paths name.
 */

#include "backends/build_log.h"
#include "backends/idmap.h"
#include "backends/journal.h"
#include "base/json.h"

#define JOB_REPOSITORY "/run/kiln/repository"

struct job {
	struct json *order;
	const char *kind; /* "build", "validate", "publish" ... */
	const char *build, *image;
	const char *folder;              /* absolute */
	const char *directory;           /* that relative paths count from, below tree/ */
	int folder_fd, work_fd, tree_fd; /* -1 where there is none */
	int trees_fd;                    /* the store of unpacked layers, of this boot */
	struct journal journal;
	struct build_log log;
	struct idmap ids;
	int userns;            /* the build's user namespace, -1 as long as nobody asked */
	int64_t deadline_usec; /* of CLOCK_MONOTONIC */
	int64_t disk_reserve_bytes;
	int64_t epoch; /* times in artifacts are clamped to it, seconds */
	/*
	 * Something else that may end the job, a machine for one. -1 with why. May be NULL. It is asked by checks, but not more
	 * often than is of use, and at once when one of its descriptors (-1: none) has something.
	 */
	int (*watch)(void *watched, struct error *err);
	void *watched;
	int watched_fds[2];
	int64_t watched_usec; /* when it was asked last */
	/* What the builder found out and steps may ask for, part of job_data: {"PackerHTTPAddr", "Host" ...}; NULL: nothing. */
	struct json *found;
	struct post *post; /* what post-processors made so far; NULL before them */
};

/* Opens the folders and files of ORDER, which it takes over. */
int job_open(struct job *job, struct json *order, struct error *err);
void job_close(struct job *job);

/* -1 if the job is to end: somebody cancelled it (kind CONFLICT), or its time is over. */
int job_check(struct job *job, struct error *err);
bool job_is_cancelled(void);
/*
 * Waits until FD (-1: none) has one of EVENTS, at most USEC; *GOT is what it has, 0 for nothing. It ends early where the job is to end,
 * and with 0 where what is watched had something to say. -1 as job_check.
 */
int job_wait(struct job *job, int fd, short events, short *got, int64_t usec, struct error *err);
/* From now on SIGTERM and SIGINT ask the job to end; checks see it, and polls wake. */
void job_catch_signals(void);

/*
 * A path of the template as one below tree/; the caller frees. Error (CATALOG) if it leads out of it; an absolute path
 * that is granted (order's "outside") comes back as it is.
 */
int job_resolve(const struct job *job, const char *path, char **resolved, struct error *err);
/* Opens such a path; no link leads out. FLAGS as for open(2); parents of what is created are made. */
int job_open_path(
	const struct job *job, const char *path, int flags, mode_t mode, struct error *err);

/* Removes a file below tree/ (RESOLVED, see above), but no folder; nothing there is fine. */
int job_remove_path(const struct job *job, const char *resolved, struct error *err);

/* Checks that the file system of the work folder has more than the reserve left. */
int job_check_space(const struct job *job, struct error *err);

/* The order's object or list of that name, NULL if it has none. */
const struct json *job_order(const struct job *job, const char *key);
