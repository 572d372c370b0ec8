/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The machine's keyboard: waiting for its boot and typing the boot command. */

#include "backends/qemu/boot_command.h"
#include "backends/qemu/machine.h"

/* Waits WAIT_NSEC, then types KEYS with INTERVAL_NSEC after each. An end of the machine is an error. */
int console_type(struct machine *machine, const struct boot_keys *keys, int64_t wait_nsec,
	int64_t interval_nsec, struct error *err);
