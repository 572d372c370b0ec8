/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A stream that is compressed, written and digested as it passes; always the same bytes for the same input. */

#include <stdint.h>

#include "base/digest.h"

enum compression {
	COMPRESSION_NONE,
	COMPRESSION_GZIP,
	COMPRESSION_ZSTD,
	COMPRESSION_XZ,
	COMPRESSION_LZ4,
	COMPRESSION_BGZF, /* gzip in blocks that can be read one by one */
	COMPRESSION_COUNT
};
/* "none", "gzip", "zstd", "xz", "lz4", "bgzf" */
const char *compression_name(enum compression compression);
enum compression compression_find(const char *name); /* COMPRESSION_COUNT if none */

struct compressor;
/* Writes to FD (not owned). LEVEL 0 is the usual one: gzip 6, zstd 3; below 0, zstd's fast ones. xz has no other. */
struct compressor *compressor_open(
	int fd, enum compression compression, int level, struct error *err);
int compressor_write(
	struct compressor *compressor, const void *bytes, size_t size, struct error *err);
/* Ends the stream; DIGEST and SIZE (each may be NULL) are of what was written. Frees in any case. */
int compressor_close(
	struct compressor *compressor, struct digest *digest, int64_t *size, struct error *err);
/* Throws it away. */
void compressor_free(struct compressor *compressor);
static inline void compressor_freep(struct compressor **compressor)
{
	compressor_free(*compressor);
}

/*
 * Gives all that FD has from its offset on to the compressor. PLAIN (may be NULL) gets it too. JOB's deadline, its
 * cancellation and the room on its disk are looked at on the way. Returns the count of bytes, or -1.
 */
struct job;
int64_t compressor_add_fd(struct compressor *compressor, struct job *job, int fd,
	struct digest_stream *plain, struct error *err);

/*
 * Moves all that FD gives through a compressor to OUT. PLAIN (may be NULL) is the digest before, DIGEST and SIZE of what was
 * written.
 */
int compress_fd(struct job *job, int fd, int out, enum compression compression, int level,
	struct digest *plain, struct digest *digest, int64_t *size, struct error *err);
