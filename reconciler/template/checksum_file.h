/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files of checksums, in the forms of sha256sum (GNU and BSD). Source: go-getter v2.0.0 checksum.go. */

#include <stddef.h>

#include "base/error.h"

/* -1 and an error of kind CATALOG if BYTES have no line for the file that URL, a path or a URL, ends in. */
int checksum_file_has(const char *bytes, size_t size, const char *url, struct error *err);
