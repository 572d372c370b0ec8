/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A guest that goes on from a checkpoint: its clock stands where it stood, and its random numbers would come again. */

#include "backends/communicator.h"

/*
 * Sets the guest's clock and gives its kernel new randomness, as root or by sudo. To be done before anything else runs. Kind
 * CATALOG if the guest does not let us.
 */
int rekey_guest(struct communicator *communicator, struct error *err);
