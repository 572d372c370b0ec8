/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A machine on a bridge of this one's (net_bridge): its card, and the address that somebody there gave it. */

#include "backends/qemu/machine.h"

enum { BRIDGE_MAC_TEXT_SIZE = 18, BRIDGE_ADDRESS_SIZE = 16 };

/*
 * A card's address for the job's machine: another one for each image and state folder, the same at each build. What the kernel still knows
 * of an earlier machine that had it at BRIDGE is forgotten, where we may.
 */
void bridge_choose_mac(
	const struct job *job, const char *bridge, char mac[static BRIDGE_MAC_TEXT_SIZE]);
/*
 * Waits until the machine's IPv4 address at BRIDGE is known. Kind TRANSIENT: not within TIMEOUT_NSEC, CATALOG: there is no such bridge.
 */
int bridge_wait_address(struct machine *machine, const char *bridge, int64_t timeout_nsec,
	char address[static BRIDGE_ADDRESS_SIZE], struct error *err);
