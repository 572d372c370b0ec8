/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Programs that systemd starts for the head: each a transient service in kiln.slice, with limits and a hardening of its own,
 * so that it neither has the head's sandbox nor ends with the head. Where systemd is not process 1, or lets us start no
 * units, the caller starts a plain session instead.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct worker_unit {
	const char *
		name; /* of the unit, without ".service"; other bytes than A-Za-z0-9:_.- become '-' */
	const char *description;
	const char *const *arguments; /* [0] is the program's path */
	int input, output, errors;    /* for 0, 1, 2; -1: /dev/null */
	int64_t timeout_sec;          /* it is ended after that; 0: never */
};

/* Whether to try: systemd is process 1 and we are root. KILN_WORKERS=session says no. */
bool worker_unit_possible(void);

/* One that is being started, or was; everything is told from the event loop, and nothing here waits. */
struct unit_run;

struct unit_hooks {
	/* Its program runs, or did. */
	void (*started)(void *context, pid_t pid);
	/* It does not, and nothing of it goes on. GONE: the bus is why; it may be another one by now. Frees nothing: unit_free is yours. */
	void (*failed)(void *context, bool gone, const struct error *why);
	/* How it ended, as process_wait has it; -1: systemd does not tell. */
	void (*ended)(void *context, int code);
};

/* Has systemd start UNIT, of which nothing is needed any more when this returns: HOOKS (borrowed) tell, after 5 seconds at most. */
struct sd_event;
int unit_begin(struct sd_event *event, const struct worker_unit *unit,
	const struct unit_hooks *hooks, void *context, struct unit_run **run, struct error *err);
/* Its program has ended: asks how. Some seconds at most. */
void unit_ask_end(struct unit_run *run);
/* Lets go of it; one that is still being started is not. */
void unit_free(struct unit_run *run);
/* Ends the connection to the bus; what was started goes on, and nothing is told any more. */
void unit_forget_bus(void);
