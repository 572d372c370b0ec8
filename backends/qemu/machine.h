/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A virtual machine that runs: QEMU's process and its control channel. */

#include "backends/child.h"
#include "backends/qemu/qmp.h"

/* The descriptors at which QEMU finds its control channel, its guest's memory and its network. */
enum { MACHINE_QMP_FD = 3, MACHINE_MEMORY_FD, MACHINE_NETWORK_FD };

struct machine {
	struct job *job;
	struct child child;
	struct qmp qmp;
	bool powered_off; /* the guest halted it */
	bool ended_here;  /* somebody on this side told QEMU to end */
	bool has_no_screen;
	int64_t looked_usec; /* at its screen, which is kept every few seconds while it runs */
};
#define MACHINE_NONE                                    \
	{                                               \
		.child = CHILD_NONE, .qmp = {.fd = -1 } \
	}

/*
 * Starts QEMU with ARGUMENTS in FOLDER, its guest having MEMORY and its network being NETWORK (each -1: of its own, or none), and waits
 * until its control channel answers. When it ends at once the error (CATALOG; TRANSIENT if the port it was to listen at is taken, and then
 * *PORT_TAKEN) has its last words.
 */
int machine_start(struct machine *machine, struct job *job, const struct strings *arguments,
	const char *folder, int memory, int network, bool *port_taken, struct error *err);
/* Kills it if it runs. */
void machine_close(struct machine *machine);

/* It ended, and not by its guest: an error with how. */
int machine_check_end(struct machine *machine, struct error *err);
/* -1 if the machine ended by itself, with how; or if the job is to end. */
int machine_check(struct machine *machine, struct error *err);
/* While ON, every check of the job is one of the machine too: whoever waits for its guest learns that it ended. */
void machine_watch(struct machine *machine, bool on);
/* ERR says what failed: if the machine is why, its end or standstill stands before it. */
void machine_explain(struct machine *machine, struct error *err);
/* Sleeps; an end of the machine or of the job in between is an error. */
int machine_sleep(struct machine *machine, int64_t nsec, struct error *err);
/* Waits for its end: 1; 0 if the time is over; -1. */
int machine_wait(struct machine *machine, int64_t timeout_usec, struct error *err);

/*
 * For when something went wrong: the screen is kept beside the build's log (screen.png, where it is kept while all is well, too), and
 * the end of what the guest said at its
 * serial port goes into the log. Nothing is done where nothing can be had.
 */
void machine_show_state(struct machine *machine);
