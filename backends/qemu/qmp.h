/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * QEMU's control channel: commands and their answers, and events, each a JSON object a line. All waits obey the job
 * (job_check) and a deadline. Source: QEMU docs/interop/qmp-spec.txt.
 */

#include "backends/job.h"

struct qmp {
	int fd; /* owned; -1: none */
	struct job *job;
	struct text in;
	size_t used; /* bytes of `in` that are done with */
	struct json *
		events; /* that nobody asked for yet; the oldest go first when there are too many */
	int64_t last_id;
	bool gone; /* QEMU closed it */
	bool busy; /* a command waits for its answer: who checks the machine meanwhile must not read it */
};

/*
 * Takes over FD, a connected socket (also when it fails); waits for QEMU's greeting and negotiates. Errors: TRANSIENT when the
 * time is over or QEMU ended, BROKEN when what comes is no QMP.
 */
int qmp_open(struct qmp *qmp, int fd, struct job *job, int64_t timeout_usec, struct error *err);
void qmp_close(struct qmp *qmp);

/*
 * Carries out COMMAND with ARGUMENTS (taken over, may be NULL). *RESULT (may be NULL) is what it returns; the caller frees. QEMU's
 * own refusal is an error of kind BROKEN with its words.
 */
int qmp_execute(struct qmp *qmp, const char *command, struct json *arguments, int64_t timeout_usec,
	struct json **result, struct error *err);

/*
 * The next event called NAME in *EVENT (the caller frees; may be NULL): 1; 0 when the time is over; -1. TIMEOUT_USEC 0: what
 * came already.
 */
int qmp_wait_event(struct qmp *qmp, const char *name, int64_t timeout_usec, struct json **event,
	struct error *err);

/* ---- commands ---- */

/* A key of the keyboard (a QKeyCode) goes down or up. */
int qmp_send_key(struct qmp *qmp, const char *key, bool down, struct error *err);
/* The screen as a PNG file (PPM with QEMU before 7.1, which is told by *IS_PNG). QEMU writes the file, as itself. */
int qmp_dump_screen(struct qmp *qmp, const char *path, bool *is_png, struct error *err);
/* What people type at QEMU's monitor; *ANSWER is its text, and the caller's to free. */
int qmp_ask_monitor(struct qmp *qmp, const char *command, char **answer, struct error *err);
/* "running", "paused", "shutdown", "guest-panicked" ...: the caller frees. */
int qmp_query_status(struct qmp *qmp, char **status, struct error *err);
/* Asks the guest by ACPI to halt. */
int qmp_press_power(struct qmp *qmp, struct error *err);
/* Ends QEMU at once, its files written. */
int qmp_quit(struct qmp *qmp, struct error *err);
/* Hands FD over, which QEMU then knows by NAME ("fd:NAME"). It stays open here. */
int qmp_give_fd(struct qmp *qmp, int fd, const char *name, struct error *err);
/* Waits for the end of a migration that was started, in either direction. */
int qmp_wait_migration(struct qmp *qmp, int64_t timeout_usec, struct error *err);
/* Adds what the character device ID of kind ringbuf holds to TEXT; it is empty afterwards. */
int qmp_read_ring(struct qmp *qmp, const char *id, struct text *text, struct error *err);
