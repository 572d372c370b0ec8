/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Libraries that are loaded when they are first needed. libarchive and libcurl bring forty others, which is most of what the start
 * of a worker costs; most jobs need neither. late_archive.h and late_curl.h have their functions: late_archive_read_new for
 * archive_read_new.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct late_function {
	const char *name;
	void **place; /* the pointer that is called */
};

struct late_library {
	const char *file; /* with the number of its interface */
	const struct late_function *functions;
	size_t count;
	bool loaded;
};

/* Loads it, once, with what it starts with; BROKEN, and what to install, where that cannot be. Not for several threads at once. */
int late_load(struct late_library *library, struct error *err);
