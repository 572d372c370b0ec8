/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Base64 (RFC 4648, with padding, without line breaks). */

#include <stddef.h>

/* The bytes of TEXT, which the caller frees; NULL if it is no base64, or empty. */
unsigned char *base64_decode(const char *text, size_t size, size_t *decoded_size);
/* The caller frees. */
char *base64_encode(const unsigned char *bytes, size_t size);
