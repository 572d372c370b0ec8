/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/bgzf.h"

#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/unit/check.h"

static int keep(void *context, const void *bytes, size_t size, struct error *err)
{
	(void)err;
	text_add_bytes(context, bytes, size);
	return 0;
}

/* All members one after the other, as gunzip reads them; each must be as long as its header says. -1 if one is not. */
static int unpack(const struct text *packed, struct text *plain, size_t *blocks)
{
	unsigned char buffer[0x10000];

	*blocks = 0;
	for (size_t at = 0, size; at < packed->size; at += size) {
		unsigned char *member = (unsigned char *)packed->data + at;
		z_stream stream = {.next_in = member,
			.next_out = buffer,
			.avail_in = (uInt)(packed->size - at),
			.avail_out = sizeof(buffer)};
		size = (size_t)(member[16] | member[17] << 8) + 1;
		if (inflateInit2(&stream, 15 + 16) != Z_OK)
			return -1;
		int result = inflate(&stream, Z_FINISH);
		text_add_bytes(plain, buffer, stream.total_out);
		inflateEnd(&stream);
		if (result != Z_STREAM_END || stream.total_in != size)
			return -1;
		(*blocks)++;
	}
	return 0;
}

static void packs(const char *what, size_t size, bool random, int level, size_t wanted)
{
	CLEANUP(text_clear) struct text packed = {0}, plain = {0};
	autofree unsigned char *bytes = memory_new(size + 1);
	struct bgzf *bgzf = bgzf_new(level, keep, &packed);
	struct error err;
	uint32_t seed = 1;
	size_t blocks;

	for (size_t i = 0; random && i < size; i++)
		bytes[i] = (seed = seed * 1664525 + 1013904223) >> 24;
	bool fine = bgzf_add(bgzf, bytes, size / 3, &err) == 0 &&
	            bgzf_add(bgzf, bytes + size / 3, size - size / 3, &err) == 0 &&
	            bgzf_end(bgzf, &err) == 0 && unpack(&packed, &plain, &blocks) == 0;
	bgzf_free(bgzf);
	CHECK(fine && plain.size == size && (!size || memcmp(plain.data, bytes, size) == 0),
		"%s come out as they went in", what);
	CHECK(fine && blocks == wanted, "in %zu blocks", wanted);
}

int main(void)
{
	packs("no bytes", 0, false, 0, 1);
	packs("one byte", 1, false, 9, 2);
	packs("a block of zeros", 0xFF00, false, 6, 2);
	packs("one more", 0xFF01, false, 1, 3);
	packs("random bytes, which only grow,", 0xFF00 * 5, true, 9, 6);
	packs("the same at the fastest", 0xFF00 * 5, true, 1, 6);
	return check_done();
}
