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

/*
 * Starts it, and waits until its program runs: 5 seconds at most. The pid, which may have ended by then; or -1, and nothing
 * was started that goes on.
 */
pid_t worker_unit_start(const struct worker_unit *unit, struct error *err);

/*
 * How the unit of PID ended, as process_wait has it: waits, a second at most, until systemd knows, and lets go of the unit.
 * -1 if this process started no such unit, or systemd does not tell.
 */
int worker_unit_end(pid_t pid);

/* A pidfd of PID; where that has ended already, a descriptor that is readable, as its pidfd was. -1 and errno. */
int worker_unit_watch(pid_t pid);
