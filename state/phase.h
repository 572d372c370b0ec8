/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The phases of a replacement and every move between them that is allowed: one table. */

#include <stdbool.h>

enum phase {
	PHASE_NONE,
	PHASE_PLANNED,
	PHASE_BUILDING,
	PHASE_VALIDATING,
	PHASE_PUBLISHING,
	PHASE_SWITCHING,
	PHASE_LIVE,
	PHASE_SUPERSEDED,
	PHASE_RETIRING,
	PHASE_RETIRED,
	PHASE_FAILED,
	PHASE_CANCELLED,
	PHASE_UNNEEDED,
	PHASE_COUNT
};

const char *phase_name(enum phase phase);
/* PHASE_NONE if no phase is called so. */
enum phase phase_find(const char *name);
/* What happens in it, for people. */
const char *phase_help(enum phase phase);

bool phase_can_follow(enum phase from, enum phase to);
/* Somebody has to do something before it rests: after a crash the phase runs again. */
bool phase_is_under_way(enum phase phase);
/* It has a version's number, and the catalog has it. */
bool phase_is_published(enum phase phase);
