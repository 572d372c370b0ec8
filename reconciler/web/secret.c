/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/secret.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

enum { BLOCK_SIZE = 64, INNER = 0x36, OUTER = 0x5c };

void secret_clear(struct secret *secret)
{
	if (secret->bytes)
		explicit_bzero(secret->bytes, secret->size);
	free(secret->bytes);
	*secret = (struct secret){0};
}

int secret_read(const char *path, struct secret *secret, struct error *err)
{
	if (file_read(AT_FDCWD, path, SECRET_SIZE_MOST, &secret->bytes, &secret->size, err) < 0)
		return -1;
	if (secret->size && secret->bytes[secret->size - 1] == '\n')
		secret->bytes[--secret->size] = '\0';
	if (secret->size && secret->bytes[secret->size - 1] == '\r')
		secret->bytes[--secret->size] = '\0';
	if (secret->size >= SECRET_SIZE_LEAST)
		return 0;
	secret_clear(secret);
	return fail(err, ERROR_CATALOG,
		"%s: a secret has at least %d bytes (openssl rand -hex 32 makes one)", path,
		SECRET_SIZE_LEAST);
}

bool secret_same(const void *a, size_t a_size, const void *b, size_t b_size)
{
	static const char key[] = "compared";
	struct digest left, right;
	volatile unsigned char differs = 0;

	/* digests have one size: how long the secret is does not show either */
	digest_hmac(key, sizeof(key), a, a_size, &left);
	digest_hmac(key, sizeof(key), b, b_size, &right);
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		differs |= left.bytes[i] ^ right.bytes[i];
	return !differs && a_size == b_size;
}

bool secret_is(const struct secret *secret, const char *text)
{
	return secret->bytes && secret_same(secret->bytes, secret->size, text, strlen(text));
}

/* ---- signatures ---- */

struct signature {
	struct digest_stream *inner;
	unsigned char key[BLOCK_SIZE];
};

static void start(struct digest_stream *stream, const unsigned char *key, unsigned char pad)
{
	unsigned char block[BLOCK_SIZE];

	for (size_t i = 0; i < BLOCK_SIZE; i++)
		block[i] = key[i] ^ pad;
	digest_stream_add(stream, block, BLOCK_SIZE);
}

struct signature *signature_new(const struct secret *secret)
{
	struct signature *signature = memory_new(sizeof(*signature));
	struct digest short_key;

	if (secret->size > BLOCK_SIZE) {
		digest_of(secret->bytes, secret->size, &short_key);
		memcpy(signature->key, short_key.bytes, DIGEST_SIZE);
	} else {
		memcpy(signature->key, secret->bytes, secret->size);
	}
	signature->inner = digest_stream_new(DIGEST_SHA256);
	start(signature->inner, signature->key, INNER);
	return signature;
}

void signature_free(struct signature *signature)
{
	if (!signature)
		return;
	digest_stream_free(signature->inner);
	explicit_bzero(signature->key, sizeof(signature->key));
	free(signature);
}

void signature_add(struct signature *signature, const void *bytes, size_t size)
{
	digest_stream_add(signature->inner, bytes, size);
}

void signature_end(struct signature *signature, struct digest *digest)
{
	unsigned char inner[DIGEST_SIZE];

	digest_stream_end(signature->inner, inner);
	start(signature->inner, signature->key, OUTER);
	digest_stream_add(signature->inner, inner, sizeof(inner));
	digest_stream_end(signature->inner, digest->bytes);
}

char *secret_random(size_t size)
{
	autofree unsigned char *bytes = memory_new(size);
	char *hex = memory_new(2 * size + 1);

	for (size_t got = 0; got < size;) {
		ssize_t more = getrandom(bytes + got, size - got, 0);
		if (more > 0)
			got += (size_t)more;
	}
	digest_write_hex(bytes, size, hex);
	return hex;
}
