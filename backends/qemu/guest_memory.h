/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A guest's memory as a file without a name, which QEMU maps and the worker reads. What is kept of it at a checkpoint is the pages
 * that are others than at the checkpoint below: a step changes a few of many. Behind them stands what QEMU says of all that is
 * not memory, its migration stream without shared memory (capability x-ignore-shared). Source: QEMU docs/devel/migration.rst.
 *
 * The file of a checkpoint is one zstd frame: "kiln-memory 1\n", the memory's size (8 bytes), runs {first page 8, pages 4, kind 4, the
 * bytes where the kind is 1}, a run of kind 0, the stream. Numbers begin with their lowest byte, pages have 4096 bytes.
 */

#include "backends/job.h"
#include "base/strings.h"

struct guest_memory {
	int fd; /* -1: the guest's memory is QEMU's own */
	int64_t size;
	struct page_sum *pages; /* as they were when they were last written or read */
	uint64_t seed;          /* of their sums: no guest can find two pages with one */
	uint64_t zeros[2];      /* the sum of a page of zeros */
};
#define GUEST_MEMORY_NONE \
	{                 \
		.fd = -1  \
	}

int guest_memory_open(struct guest_memory *memory, int64_t size, struct error *err);
void guest_memory_close(struct guest_memory *memory);
/* To OUT: the pages that changed since the last write or read, then the bytes of STATE (from its beginning). The guest stands still. */
int guest_memory_write(
	struct guest_memory *memory, struct job *job, int state, int out, struct error *err);
/*
 * Makes it what FILES hold, each what changed against the one before, and what they know of STATE: the last one's. BROKEN if that is
 * nothing that guest_memory_write wrote for this size.
 */
int guest_memory_read(struct guest_memory *memory, struct job *job, const int *files, size_t count,
	int state, struct error *err);

/*
 * The size, in bytes, of the memory that QEMU gives a guest for ARGUMENTS; 0 where they say more of it than a size. FD is where QEMU
 * finds the file: what makes it use that is added to ARGUMENTS.
 */
int64_t guest_memory_size(const struct strings *arguments);
void guest_memory_add(const struct guest_memory *memory, int fd, struct strings *arguments);
