/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/bgzf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"

enum {
	BLOCK_SIZE = 0xFF00, /* of plain bytes: what does not compress still fits a block */
	PACKED_SIZE = 0x10000,
	HEADER_SIZE = 18,
	TRAILER_SIZE = 8
};

struct bgzf {
	int (*write)(void *context, const void *bytes, size_t size, struct error *err);
	void *context;
	int level;
	size_t size; /* of what waits in `plain` */
	unsigned char plain[BLOCK_SIZE], packed[PACKED_SIZE];
};

struct bgzf *bgzf_new(int level,
	int (*write)(void *context, const void *bytes, size_t size, struct error *err),
	void *context)
{
	struct bgzf *bgzf = memory_new(sizeof(*bgzf));

	bgzf->level = level;
	bgzf->write = write;
	bgzf->context = context;
	return bgzf;
}

void bgzf_free(struct bgzf *bgzf)
{
	free(bgzf);
}

static void put_little(unsigned char *to, uint32_t number, int bytes)
{
	for (int i = 0; i < bytes; i++)
		to[i] = number >> (8 * i);
}

/* The plain bytes as raw deflate behind the header; the size, or -1. */
static int deflate_block(struct bgzf *bgzf, int level)
{
	z_stream stream = {.next_in = bgzf->plain,
		.avail_in = bgzf->size,
		.next_out = bgzf->packed + HEADER_SIZE,
		.avail_out = PACKED_SIZE - HEADER_SIZE - TRAILER_SIZE};

	if (deflateInit2(&stream, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -1;
	int result = deflate(&stream, Z_FINISH);
	int size = (int)stream.total_out;
	deflateEnd(&stream);
	return result == Z_STREAM_END ? size : -1;
}

static int write_block(struct bgzf *bgzf, struct error *err)
{
	static const unsigned char header[HEADER_SIZE] = {
		31, 139, 8, 4, 0, 0, 0, 0, 0, 255, 6, 0, 'B', 'C', 2, 0};
	int size = deflate_block(bgzf, bgzf->level ? bgzf->level : Z_DEFAULT_COMPRESSION);

	if (size < 0)
		size = deflate_block(bgzf, Z_NO_COMPRESSION);
	if (size < 0)
		return fail(err, ERROR_BROKEN, "compression: zlib failed");
	memcpy(bgzf->packed, header, HEADER_SIZE);
	size_t whole = HEADER_SIZE + (size_t)size + TRAILER_SIZE;
	put_little(bgzf->packed + 16, (uint32_t)whole - 1, 2);
	put_little(bgzf->packed + HEADER_SIZE + size,
		(uint32_t)crc32(crc32(0, NULL, 0), bgzf->plain, bgzf->size), 4);
	put_little(bgzf->packed + HEADER_SIZE + size + 4, (uint32_t)bgzf->size, 4);
	bgzf->size = 0;
	return bgzf->write(bgzf->context, bgzf->packed, whole, err);
}

int bgzf_add(struct bgzf *bgzf, const void *bytes, size_t size, struct error *err)
{
	const unsigned char *from = bytes;

	while (size) {
		size_t part = BLOCK_SIZE - bgzf->size < size ? BLOCK_SIZE - bgzf->size : size;
		memcpy(bgzf->plain + bgzf->size, from, part);
		bgzf->size += part;
		from += part;
		size -= part;
		if (bgzf->size == BLOCK_SIZE && write_block(bgzf, err) < 0)
			return -1;
	}
	return 0;
}

int bgzf_end(struct bgzf *bgzf, struct error *err)
{
	if (bgzf->size && write_block(bgzf, err) < 0)
		return -1;
	return write_block(bgzf, err);
}
