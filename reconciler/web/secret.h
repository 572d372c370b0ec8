/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Secrets of the operator, and what shows that somebody else has one. What is compared takes the same time either way. */

#include <stdbool.h>

#include "base/digest.h"

enum { SECRET_SIZE_LEAST = 16, SECRET_SIZE_MOST = 4096 };

struct secret {
	char *bytes;
	size_t size;
};
void secret_clear(struct secret *secret);
/* The content of a file without the line break at its end; too short a one is an error. */
int secret_read(const char *path, struct secret *secret, struct error *err);

/* Equal bytes. */
bool secret_same(const void *a, size_t a_size, const void *b, size_t b_size);
bool secret_is(const struct secret *secret, const char *text);

/* HMAC-SHA-256 of what passes by (RFC 2104). */
struct signature;
struct signature *signature_new(const struct secret *secret);
void signature_free(struct signature *signature);
void signature_add(struct signature *signature, const void *bytes, size_t size);
/* Ends it. */
void signature_end(struct signature *signature, struct digest *digest);

/* SIZE random bytes as hexadecimal text; the caller frees. */
char *secret_random(size_t size);
