/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SHA-256 as kiln's identity of content, and the other digests that users ask for. By libcrypto. */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum {
	DIGEST_SIZE = 32,
	DIGEST_HEX_SIZE = 65, /* with the NUL */
	DIGEST_SHA1_SIZE = 20,
	DIGEST_TEXT_SIZE = 72, /* "sha256:" + hex + NUL */
};

struct digest {
	unsigned char bytes[DIGEST_SIZE];
};

void digest_of(const void *bytes, size_t size, struct digest *digest);
void digest_hmac(
	const void *key, size_t key_size, const void *bytes, size_t size, struct digest *digest);
/* What ssh hashes the names in known_hosts with. */
void digest_hmac_sha1(const void *key, size_t key_size, const void *bytes, size_t size,
	unsigned char result[static DIGEST_SHA1_SIZE]);
bool digest_equal(const struct digest *a, const struct digest *b);
/* 64 lower-case digits. */
const char *digest_hex(const struct digest *digest, char hex[static DIGEST_HEX_SIZE]);
/* "sha256:" and the digits: how digests stand in JSON. */
const char *digest_text(const struct digest *digest, char text[static DIGEST_TEXT_SIZE]);
/* Reads either form (upper case too); false if it is neither. */
bool digest_parse(const char *text, struct digest *digest);

/* Lower-case hexadecimal of any bytes; HEX has room for 2 * SIZE + 1. */
void digest_write_hex(const void *bytes, size_t size, char *hex);
/* The reverse; false unless TEXT is exactly 2 * SIZE hexadecimal digits. */
bool digest_read_hex(const char *text, void *bytes, size_t size);

/* A line of a file for sha256sum(1): "HEX  FOLDERNAME\n", escaped as it does where NAME would break the line. */
struct text;
void digest_write_line(const char *hex, const char *folder, const char *name, struct text *out);

/* ---- a digest of what passes by ---- */

enum digest_kind {
	DIGEST_MD5,
	DIGEST_SHA1,
	DIGEST_SHA224,
	DIGEST_SHA256,
	DIGEST_SHA384,
	DIGEST_SHA512,
	DIGEST_KIND_COUNT
};

/* "md5", "sha1" ... as Packer's checksum post-processor names them. */
const char *digest_kind_name(enum digest_kind kind);
/* DIGEST_KIND_COUNT for a name that is none. */
enum digest_kind digest_kind_find(const char *name);
/* The size of its result in bytes. */
size_t digest_kind_size(enum digest_kind kind);

struct digest_stream;
struct digest_stream *digest_stream_new(enum digest_kind kind);
void digest_stream_free(struct digest_stream *stream);
void digest_stream_add(struct digest_stream *stream, const void *bytes, size_t size);
/* The result so far; the stream begins anew. BYTES has room for digest_kind_size(). */
void digest_stream_end(struct digest_stream *stream, unsigned char *bytes);

static inline void digest_stream_freep(struct digest_stream **stream)
{
	digest_stream_free(*stream);
}

/* Reads FD from its offset to its end. */
int digest_of_fd(int fd, struct digest *digest, struct error *err);
