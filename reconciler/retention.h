/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which versions of an image may go. Retire never takes: the live one, one that a channel names, one in use as a base, one
 * that is held, and what the definition keeps. A pure step.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/phase.h"

struct retention_version {
	int64_t version;
	enum phase phase;
	int64_t ended_usec; /* published */
	bool named;         /* by a channel */
	bool held, used;
	bool retire; /* the answer */
};

struct retention_rules {
	int64_t keep_last;        /* newest versions, the live one among them */
	int64_t keep_younger_sec; /* 0: not said */
};

/* Sets `retire` of at most MOST of COUNT versions, which are in ascending order; how many it set. */
size_t retention_choose(struct retention_version *versions, size_t count,
	const struct retention_rules *rules, int64_t now_usec, size_t most);

/* Why VERSION must stay whatever a person says; NULL if it may go. */
const char *retention_why_not(const struct retention_version *version);
