/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the head has of the world outside of its store: the time, random numbers, and the starting of workers. All of it
 * comes through this table, so that a test can drive the real code through years in seconds.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

struct worker_streams;
struct child;
struct loop;

struct world {
	int64_t (*now_usec)(void);
	void (*fill_random)(void *bytes, size_t size);
	/* Starts kiln-build, with FLAG (may be NULL), ORDER on its standard input; NULL on error. */
	struct child *(*start_worker)(struct loop *loop, const char *flag, const struct json *order,
		const struct worker_streams *streams, struct error *err);
};

/* The real one, unless a test put its own there. In the real one KILN_CLOCK=SECONDS moves the clock that far. */
extern const struct world *world;
