/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Copying files at the least cost: shared blocks where the file system can, and read once where a digest is wanted. */

#include <stdint.h>
#include <sys/types.h>

#include "base/digest.h"

/*
 * The file FROM_FOLDER/FROM as the new file TO_FOLDER/TO with MODE. DIGEST and SIZE (each may be NULL) are of its content: with
 * a digest every byte is read, once. Removes what it made when it fails.
 */
int copy_file(int from_folder, const char *from, int to_folder, const char *to, mode_t mode,
	struct digest *digest, int64_t *size, struct error *err);
/* The same of an open file, from its beginning. */
int copy_fd(int from, int to_folder, const char *to, mode_t mode, struct digest *digest,
	int64_t *size, struct error *err);
