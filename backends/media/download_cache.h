/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where downloads are kept, STATE/cache/downloads: each file under its SHA-256 with a note beside it, what is still being fetched as
 * KEY.part, and what a key (another checksum, or the URL where there is none) led to as KEY.json. Several builds share it: locks of
 * flock(2) say who fetches a part, and which file is in use.
 */

#include "backends/media/checksum.h"
#include "backends/media/transfer.h"

struct download_cache {
	struct job *job;
	int folder;
	char *path; /* absolute */
};
/* SHARED false: a folder of the build's own instead, which goes with it. */
int download_cache_open(
	struct download_cache *cache, struct job *job, bool shared, struct error *err);
void download_cache_close(struct download_cache *cache);

/* What the files of CHECKSUM, or of URL where that is "none", are called; the caller frees. */
char *download_cache_key(const struct checksum *checksum, const char *url);

/*
 * The file of that digest: 1 and its descriptor, which holds a shared lock: it is not evicted as long as that is open. 0 if there is
 * none. One that changed since it was sealed is read whole; it is removed if it is another now.
 */
int download_cache_find(
	struct download_cache *cache, const struct digest *digest, int *fd, struct error *err);
/* What KEY led to the last time, and what the server said of it; false if nobody knows. */
bool download_cache_recall(struct download_cache *cache, const char *key, struct digest *digest,
	struct validators *validators);
int download_cache_remember(struct download_cache *cache, const char *key, const char *url,
	const struct digest *digest, const struct validators *validators, struct error *err);

/* A file that is being fetched, locked. */
struct download_part {
	char *name;
	int fd;
};
/* Waits as long as somebody else fetches it (SHOWN is for the log), and ends with the job. */
int download_part_open(struct download_cache *cache, const char *key, const char *shown,
	struct download_part *part, struct error *err);
void download_part_close(struct download_part *part);
/*
 * How much of URL is there, by what that part is known and how much it is to be. Nothing where it is of another URL; where no checksum
 * is there to tell (PINNED), only what came since the machine was started counts: it was not made lasting.
 */
void download_part_recall(struct download_cache *cache, const struct download_part *part,
	const char *url, bool pinned, struct transfer *transfer);
int download_part_remember(struct download_cache *cache, const struct download_part *part,
	const struct transfer *transfer, struct error *err);
/* It is not what was wanted. */
void download_part_remove(struct download_cache *cache, const struct download_part *part);
/* It is all there, and DIGEST is its own: made lasting, and from now on a file like the others; *FD is it, as from find. */
int download_part_seal(struct download_cache *cache, struct download_part *part,
	const struct digest *digest, int *fd, struct error *err);

/* SHA-256 of a download, and a digest of another kind where that is what is known of it. */
struct download_digests {
	struct digest_stream *own, *other;
};
/* Of nothing yet. */
void download_digests_begin(struct download_digests *digests, enum digest_kind kind);
void download_digests_add(struct download_digests *digests, const void *bytes, size_t size);
/* The first SIZE bytes of FD, or all where there are fewer; the job's end ends it. */
int download_digests_read(struct download_digests *digests, struct job *job, int fd, int64_t size,
	struct error *err);
/* BYTES gets that of the other kind, or SHA-256 where there is none; each may be NULL, but BYTES needs DIGEST. */
void download_digests_end(
	struct download_digests *digests, struct digest *digest, unsigned char *bytes);
static inline void download_digests_clear(struct download_digests *digests)
{
	download_digests_end(digests, NULL, NULL);
}
