/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

/* SHA-256 of small texts is most of what is digested: SHA256() alone needs none of OpenSSL 3's start-up, which takes 1 ms. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/text.h"

static const struct {
	const char *name;
	size_t size;
} kinds[DIGEST_KIND_COUNT] = {
	[DIGEST_MD5] = {"md5", 16},
	[DIGEST_SHA1] = {"sha1", 20},
	[DIGEST_SHA224] = {"sha224", 28},
	[DIGEST_SHA256] = {"sha256", 32},
	[DIGEST_SHA384] = {"sha384", 48},
	[DIGEST_SHA512] = {"sha512", 64},
};

/* Fetching an algorithm costs more than a small digest: each is fetched once a process. */
static const EVP_MD *algorithm(enum digest_kind kind)
{
	static EVP_MD *fetched[DIGEST_KIND_COUNT];

	if (!fetched[kind])
		fetched[kind] = EVP_MD_fetch(NULL, kinds[kind].name, NULL);
	if (!fetched[kind])
		abort(); /* a libcrypto without it, or no memory */
	return fetched[kind];
}

void digest_write_line(const char *hex, const char *folder, const char *name, struct text *out)
{
	text_addf(out, "%s%s  %s", strpbrk(name, "\n\r\\") ? "\\" : "", hex, folder);
	for (const char *at = name; *at; at++) {
		if (*at == '\n')
			text_add(out, "\\n");
		else if (*at == '\r')
			text_add(out, "\\r");
		else if (*at == '\\')
			text_add(out, "\\\\");
		else
			text_add_bytes(out, at, 1);
	}
	text_add(out, "\n");
}

struct digest_stream {
	enum digest_kind kind;
	EVP_MD_CTX *context;
};

static void must(int result)
{
	if (result != 1)
		abort(); /* libcrypto fails here only without memory */
}

struct digest_stream *digest_stream_new(enum digest_kind kind)
{
	struct digest_stream *stream = memory_new(sizeof(*stream));

	stream->kind = kind;
	stream->context = EVP_MD_CTX_new();
	must(stream->context != NULL);
	must(EVP_DigestInit_ex(stream->context, algorithm(kind), NULL));
	return stream;
}

void digest_stream_free(struct digest_stream *stream)
{
	if (!stream)
		return;
	EVP_MD_CTX_free(stream->context);
	free(stream);
}

void digest_stream_add(struct digest_stream *stream, const void *bytes, size_t size)
{
	must(EVP_DigestUpdate(stream->context, bytes, size));
}

void digest_stream_end(struct digest_stream *stream, unsigned char *bytes)
{
	must(EVP_DigestFinal_ex(stream->context, bytes, NULL));
	must(EVP_DigestInit_ex(stream->context, NULL, NULL));
}

void digest_of(const void *bytes, size_t size, struct digest *digest)
{
	SHA256_CTX context;

	must(SHA256_Init(&context));
	must(SHA256_Update(&context, bytes, size));
	must(SHA256_Final(digest->bytes, &context));
}

void digest_hmac(
	const void *key, size_t key_size, const void *bytes, size_t size, struct digest *digest)
{
	must(HMAC(algorithm(DIGEST_SHA256), key, key_size, bytes, size, digest->bytes, NULL) !=
		NULL);
}

void digest_hmac_sha1(const void *key, size_t key_size, const void *bytes, size_t size,
	unsigned char result[static DIGEST_SHA1_SIZE])
{
	must(HMAC(algorithm(DIGEST_SHA1), key, key_size, bytes, size, result, NULL) != NULL);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_SIZE) == 0;
}

void digest_write_hex(const void *bytes, size_t size, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *b = bytes;

	for (size_t i = 0; i < size; i++) {
		*hex++ = digits[b[i] >> 4];
		*hex++ = digits[b[i] & 15];
	}
	*hex = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool digest_read_hex(const char *text, void *bytes, size_t size)
{
	unsigned char *b = bytes;

	if (strlen(text) != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		b[i] = high << 4 | low;
	}
	return true;
}

const char *digest_hex(const struct digest *digest, char hex[static DIGEST_HEX_SIZE])
{
	digest_write_hex(digest->bytes, DIGEST_SIZE, hex);
	return hex;
}

const char *digest_text(const struct digest *digest, char text[static DIGEST_TEXT_SIZE])
{
	memcpy(text, "sha256:", 7);
	digest_write_hex(digest->bytes, DIGEST_SIZE, text + 7);
	return text;
}

bool digest_parse(const char *text, struct digest *digest)
{
	if (strncmp(text, "sha256:", 7) == 0)
		text += 7;
	return digest_read_hex(text, digest->bytes, DIGEST_SIZE);
}

const char *digest_kind_name(enum digest_kind kind)
{
	return kinds[kind].name;
}

enum digest_kind digest_kind_find(const char *name)
{
	enum digest_kind kind = 0;

	while (kind < DIGEST_KIND_COUNT && strcmp(kinds[kind].name, name) != 0)
		kind++;
	return kind;
}

size_t digest_kind_size(enum digest_kind kind)
{
	return kinds[kind].size;
}

int digest_of_fd(int fd, struct digest *digest, struct error *err)
{
	CLEANUP(digest_stream_freep)
	struct digest_stream *stream = digest_stream_new(DIGEST_SHA256);
	enum { ROOM = 64 * 1024 };
	autofree char *buffer = memory_resize(NULL, ROOM, 1);

	for (;;) {
		ssize_t got = read(fd, buffer, ROOM);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(err, ERROR_BROKEN, "cannot read");
		if (got == 0)
			break;
		digest_stream_add(stream, buffer, got);
	}
	digest_stream_end(stream, digest->bytes);
	return 0;
}
