/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which paths of the repository processes looked for in vain: the kernel asks process 1 of the sandbox before it carries out a
 * call that takes a path (seccomp's user notification), and each call then goes on as it is. Nothing is allowed or refused
 * by it, and where the kernel has none of it nothing is noted.
 */

#include <stdbool.h>

#include "base/map.h"

enum { TRIED_LISTENERS_MOST = 8, TRIED_PATHS_MOST = 4096 };

struct tried {
	int listeners
		[TRIED_LISTENERS_MOST]; /* a command's each, as long as a process of it lives */
	int count;
	struct map paths; /* from the repository's root */
};

/* In the process that is to be asked about, and all it starts; needs no_new_privs. The listener, or -1. */
int tried_install(void);
/* Takes over LISTENER; there must be room. */
void tried_add_listener(struct tried *tried, int listener);
/* Answers what listener INDEX has to ask; false if it has ended and is gone from the list. */
bool tried_answer(struct tried *tried, int index);
