/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A machine on a bridge, found by its card's address: in the kernel's table of neighbours, where whoever asked this machine for anything
 * stands. IPv4. Source: rtnetlink(7); Packer's step_wait_guest_address.go looks at the same table.
 */

#include <stdbool.h>

#include "base/error.h"

enum { MAC_SIZE = 6, NEIGHBOUR_ADDRESS_SIZE = 16 };

/* "52:54:00:12:34:56". */
bool neighbour_read_mac(const char *text, unsigned char mac[static MAC_SIZE]);
/* Its IPv4 address at INTERFACE: 1; 0: it is not there yet; -1. Of several it is the one that was confirmed last. */
int neighbour_find(const char *interface, const unsigned char mac[static MAC_SIZE],
	char address[static NEIGHBOUR_ADDRESS_SIZE], struct error *err);
/* What is left there of an earlier machine with this card is removed, where we may. */
void neighbour_forget(const char *interface, const unsigned char mac[static MAC_SIZE]);
