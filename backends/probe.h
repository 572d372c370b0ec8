/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What can run on this machine: for kiln doctor. */

/* Tries it and prints [{"name", "ok", "text", "fix"}] to standard output; 0. STATE (may be NULL): what was found there since the boot is not tried again. */
int probe_print(const char *state);
