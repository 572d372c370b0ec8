/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/world.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/moment.h"
#include "reconciler/worker.h"

static int64_t now_usec(void)
{
	const char *moved = getenv("KILN_CLOCK");

	return moment_now_usec() + (moved ? strtoll(moved, NULL, 10) * 1000000 : 0);
}

static void fill_random(void *bytes, size_t size)
{
	for (size_t filled = 0; filled < size;) {
		ssize_t got = getrandom((char *)bytes + filled, size - filled, 0);
		if (got > 0)
			filled += got;
	}
}

static const struct world real = {
	.now_usec = now_usec,
	.fill_random = fill_random,
	.start_worker = worker_spawn,
};

const struct world *world = &real;
