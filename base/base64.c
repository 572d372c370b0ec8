/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/memory.h"

unsigned char *base64_decode(const char *text, size_t size, size_t *decoded_size)
{
	unsigned char *bytes = memory_new(size / 4 * 3 + 1);
	int decoded = size && size % 4 == 0
	                      ? EVP_DecodeBlock(bytes, (const unsigned char *)text, size)
	                      : -1;

	if (decoded < 0) {
		free(bytes);
		return NULL;
	}
	/* EVP_DecodeBlock counts the padding */
	for (size_t i = 1; i <= 2 && text[size - i] == '='; i++)
		decoded--;
	*decoded_size = decoded;
	return bytes;
}

char *base64_encode(const unsigned char *bytes, size_t size)
{
	char *text = memory_new((size + 2) / 3 * 4 + 1);

	EVP_EncodeBlock((unsigned char *)text, bytes, size);
	return text;
}
