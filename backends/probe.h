/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What can run on this machine: for kiln doctor. */

/* Tries it and prints [{"name", "ok", "text", "fix"}] to standard output; 0. */
int probe_print(void);
