/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The machine's end: by shutdown_command, by its power button, by force; each with its time. */

#include "backends/communicator.h"
#include "backends/qemu/machine.h"
#include "base/json.h"

struct halt_options {
	const char *command; /* "": none */
	int64_t timeout_nsec;
};

/*
 * Halts the machine, and it is gone when this succeeds. COMMUNICATOR may be NULL: then the machine halts by itself, and one that does not
 * within the time is an error. A machine that obeys neither command nor button is ended by force, unless the template says how it
 * is to be halted: then that is an error, as nobody knows what is on its disk.
 */
int machine_halt(struct machine *machine, const struct halt_options *options,
	struct communicator *communicator, struct error *err);
