/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The file that iso_url or a base names, from wherever that is: several places tried in turn, held against a checksum, kept in the
 * cache and fetched once. Source: Packer 1.6.6 step_download.go.
 */

#include "backends/job.h"
#include "base/digest.h"

struct download {
	const struct strings *urls; /* http, https, ftp, file://, or a path as templates write it */
	const char *checksum;       /* "HEX", "TYPE:HEX", "file:PLACE", "none" */
	const char *checksum_name;  /* the option's, for messages */
	bool private;               /* not in the shared cache (iso_skip_cache) */
};

struct downloaded {
	int fd;       /* for reading, from the start; as long as it is open the file stays */
	char *path;   /* absolute */
	bool lasting; /* it stays when the build's folder goes, unless it is evicted */
	struct digest digest; /* SHA-256 of its content */
};

/*
 * Gets it, from the cache where it is there. A URL that has another content is passed over; if all fail the error has each one's
 * reason, and is TRANSIENT if one of them may pass. Local files are used where they are. Clear the result also after an error.
 */
int download_get(struct job *job, const struct download *download, struct downloaded *downloaded,
	struct error *err);
void downloaded_clear(struct downloaded *downloaded);
