/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Driving one replacement: the steps that replace_next says are carried out, workers started and their end noticed. */

#include "reconciler/loop.h"

struct sd_event;

/*
 * Takes it as far as it goes now. ROOM says whether a worker may be started. True if anything changed; *ENDED when it
 * came to rest or can do no more in this pass.
 */
bool drive(struct replacement *replacement, struct loop *loop, struct sd_event *event,
	struct task *task, bool *ended);
/* What became of the worker of a predecessor; watches one that lives. */
int drive_adopt(struct replacement *replacement, struct loop *loop, struct sd_event *event,
	struct error *err);
/* Ends its worker at once. */
void drive_kill(struct replacement *replacement);
void drive_stop_watching(struct replacement *replacement);
