/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Moving the channels of a published version: the order is written down, and a replacement carries it out. */

#include "reconciler/loop.h"

struct switching {
	int64_t image, version;
	const char *why;       /* the event's kind: "switch", "rollback", "promote" */
	struct json *channels; /* {NAME: VERSION}; taken over */
	const struct json *
		publish; /* catalogs that are wanted; the version goes to those it is not in. NULL: as it is */
	const struct json
		*following;      /* channels that follow `current` from now on; NULL: as before */
	struct json *quarantine; /* versions; NULL: none; taken over */
};
/*
 * Writes the order and hands its replacement to LOOP for TASK. The replacement, which the loop owns, or NULL on error;
 * CONFLICT: there is no such version any more.
 */
struct replacement *switching_begin(struct loop *loop, struct head *head, struct task *task,
	struct switching *switching, struct error *err);
