/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The ids that a build has: in its user namespace it is root, outside it is nobody. Root gives builds 65,536 ids of its
 * own choosing; an ordinary user his range of /etc/subuid (through newuidmap), or, where he has none, his own id alone.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum { IDMAP_COUNT = 65536 };

struct idmap {
	bool many;                     /* ids 0 to 65,535; otherwise 0 alone */
	bool helpers;                  /* newuidmap and newgidmap write the maps */
	uint32_t uid, gid;             /* what 0 is outside */
	uint32_t first_uid, first_gid; /* what 1 (with helpers) or 0 is outside */
};

/* What the caller can have; ROOT_BASE is where root's builds begin. */
void idmap_find(uint32_t root_base, struct idmap *map);
/* Whether it would be many. Asked at every plan: the answer is part of closures. */
bool idmap_has_many(void);
/* Writes the maps of PID, which was just put into a new user namespace. */
int idmap_write(const struct idmap *map, pid_t pid, struct error *err);
