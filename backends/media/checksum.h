/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a download has to be: iso_checksum and base_checksum as templates write them, and the files of sums that they may name.
 * Source: go-getter 1.5 checksum.go, which Packer 1.6.6 reads them with. Nothing here opens a file.
 */

#include "base/digest.h"

enum { CHECKSUM_SIZE_MOST = 64, CHECKSUM_TEXT_SIZE = 2 * CHECKSUM_SIZE_MOST + 8 };

enum checksum_form {
	CHECKSUM_NONE,   /* "none": whatever comes */
	CHECKSUM_DIGEST, /* "HEX", whose length tells the kind, or "TYPE:HEX" */
	CHECKSUM_FILE,   /* "file:PLACE": it stands in that file, a URL or a path */
};

struct checksum {
	enum checksum_form form;
	enum digest_kind kind;                   /* of a digest */
	unsigned char bytes[CHECKSUM_SIZE_MOST]; /* likewise */
	const char *file;                        /* borrowed from the text */
};

/* NAME is the option's, for the message. Kind CATALOG for what is of none of these forms. */
int checksum_parse(
	const char *text, const char *name, struct checksum *checksum, struct error *err);
bool checksum_equal(const struct checksum *a, const struct checksum *b);
/* "sha256:HEX", "none", or "file:PLACE" cut to fit. */
const char *checksum_text(const struct checksum *checksum, char text[static CHECKSUM_TEXT_SIZE]);

/*
 * The digest of the file at URL (or path) in SUMS, which came from SUMS_URL: a line of sha256sum ("HEX  NAME", "HEX *NAME") or of BSD
 * ("SHA256 (NAME) = HEX"), NAME being URL's last part, also behind "./", or its path as seen from SUMS_URL; a line that has no name is
 * taken as it is. False if there is none.
 */
bool checksum_find(const char *sums, const char *sums_url, const char *url, struct checksum *found);
