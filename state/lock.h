/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * STATE/lock: who holds it is the one writer. The kernel gives it back when its holder ends, however it ends. The file
 * says who that is.
 */

#include <stdint.h>

#include "base/error.h"

/*
 * Takes the lock and writes WHO into it: 1, and *FD holds it as long as that is open. 0 if somebody else
 * has it (then HOLDER says who: "pid 4711, kiln daemon"); -1 on error. Does not wait.
 */
int lock_take(
	const char *state, const char *who, int *fd, char holder[static 128], struct error *err);
