/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is in an artifact, file by file: for each path one line that says all that counts of it (kind, mode, owner, size, digest, where a
 * link leads). Times are not in it: they differ in every build.
 */

#include <sys/types.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/map.h"
#include "backends/job.h"

struct listing {
	struct map lines; /* path -> text; NULL: taken away again */
};
void listing_clear(struct listing *listing);

struct listing_entry {
	mode_t mode; /* with its type */
	int64_t owner, group, size;
	const struct digest *digest; /* of a regular file; NULL: not known */
	const char *target;          /* of a link */
	unsigned major, minor;       /* of a device */
};
/* "file 0644 0:0 12 bytes sha256:..."; the caller frees. */
char *listing_describe(const struct listing_entry *entry);
/* Takes over LINE. */
void listing_add(struct listing *listing, const char *path, char *line);
/* NULL if it has none of that path. */
const char *listing_find(const struct listing *listing, const char *path);
/* PATH and all below it are not there. */
void listing_remove(struct listing *listing, const char *path, bool itself);
/* All of OTHER is in LISTING too, its paths behind PREFIX. */
void listing_add_all(struct listing *listing, const char *prefix, const struct listing *other);

/* Adds [{"path", "expected", "found"}] of what differs to LIST, by path; null is what is not there. */
void listing_compare(
	const struct listing *expected, const struct listing *found, struct json *list);

/* ---- reading one ---- */

/*
 * The archive (tar, cpio, zip, ISO 9660; compressed or not) that FD reads. 0 if it is none. Paths begin with a slash; LISTING may have
 * entries that are laid over: with LAYER, .wh. files take those away.
 */
int listing_read_archive(
	struct job *job, int fd, bool layer, struct listing *listing, struct error *err);
/* The image in the OCI layout FOLDER, its layers laid over each other, and what its configuration says ("config"). */
int listing_read_oci(struct job *job, int folder, struct listing *listing, struct error *err);
/*
 * A machine that runs and is reached by COMMUNICATOR: all on the file systems that it has mounted and that lie on disks, as its own
 * find(1), stat(1) and sha256sum(1) say. CATALOG where it has them not, or lets too little be read.
 */
struct communicator;
int listing_read_machine(
	struct communicator *communicator, struct listing *listing, struct error *err);
/* What those programs said. */
int listing_parse_machine(const char *said, struct listing *listing, struct error *err);
