/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An archive of single files, always the same bytes for the same files: no time, all of it root's. For post-processors; the
 * trees of root file systems are rootfs/tree.h's.
 */

#include <sys/stat.h>

#include "backends/compress.h"

enum pack_format { PACK_TAR, PACK_ZIP }; /* GNU tar; zip with deflate */

struct pack;
/* Writes to COMPRESSOR, which stays the caller's and must outlive it. */
struct pack *pack_open(struct compressor *compressor, enum pack_format format, struct error *err);
/* What FD has, a regular file of STATUS, as NAME with its mode (in a zip 0644, as Packer's have none) and mtime MTIME. */
int pack_add(struct pack *pack, struct job *job, const char *name, int fd,
	const struct stat *status, int64_t mtime, struct error *err);
/* SIZE bytes as NAME, of mode 0644. */
int pack_add_bytes(struct pack *pack, const char *name, const void *bytes, size_t size,
	int64_t mtime, struct error *err);
/* Ends the archive, not the compressor. Frees in any case. */
int pack_close(struct pack *pack, struct error *err);
void pack_free(struct pack *pack);
static inline void pack_freep(struct pack **pack)
{
	pack_free(*pack);
}
