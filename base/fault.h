/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Named fault points: one stands at every edge where something becomes lasting. With KILN_FAULT=NAME (or NAME:3,
 * the third time round) in the environment the program kills itself there as kill -9 would; with KILN_FAULT_LOG=FILE it
 * appends the names it passes, and then the times round are counted over all processes that write there. Without either
 * a point costs one comparison.
 */

#include <stdbool.h>

extern bool fault_is_armed;
/* Once, first thing in main. */
void fault_arm(void);
void fault_reach(const char *name);

#define FAULT(name)                                          \
	do {                                                 \
		if (__builtin_expect(fault_is_armed, false)) \
			fault_reach(name);                   \
	} while (0)
