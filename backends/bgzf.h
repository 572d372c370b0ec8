/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * BGZF: gzip members of at most 64 KiB each, whose size stands in their header. Source: SAM format specification, 4.1. Any
 * gunzip reads it.
 */

#include <stddef.h>

#include "base/error.h"

struct bgzf;
/* LEVEL 1 to 9, 0 is the usual one. WRITE gets what is to be written, and CONTEXT. */
struct bgzf *bgzf_new(int level,
	int (*write)(void *context, const void *bytes, size_t size, struct error *err),
	void *context);
void bgzf_free(struct bgzf *bgzf);
int bgzf_add(struct bgzf *bgzf, const void *bytes, size_t size, struct error *err);
/* The last block and the empty one that marks the end. */
int bgzf_end(struct bgzf *bgzf, struct error *err);
