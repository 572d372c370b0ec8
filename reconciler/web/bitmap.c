/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/bitmap.h"

#include <stdint.h>
#include <string.h>

enum { SIDE_MOST = 16384, FILE_HEADER = 14, INFO_HEADER = 40, COLOURS = 3, BITS = 24 };

/* The number at *AT, behind white space and comments; -1 if there is none up to MOST. */
static int64_t read_number(const struct text *text, size_t *at, int64_t most)
{
	int64_t number = -1;

	while (*at < text->size && strchr(" \t\r\n#", text->data[*at]) && text->data[*at]) {
		if (text->data[*at] == '#')
			while (*at < text->size && text->data[*at] != '\n')
				(*at)++;
		else
			(*at)++;
	}
	for (; *at < text->size && text->data[*at] >= '0' && text->data[*at] <= '9'; (*at)++) {
		number = (number < 0 ? 0 : number * 10) + (text->data[*at] - '0');
		if (number > most)
			return -1;
	}
	return number;
}

static void add_little(struct text *out, uint32_t value, int bytes)
{
	for (int i = 0; i < bytes; i++, value >>= 8)
		text_add_char(out, (char)(value & 0xff));
}

static void add_headers(struct text *out, int64_t width, int64_t height, int64_t row)
{
	text_add_bytes(out, "BM", 2);
	add_little(out, (uint32_t)(FILE_HEADER + INFO_HEADER + row * height), 4);
	add_little(out, 0, 4);
	add_little(out, FILE_HEADER + INFO_HEADER, 4);
	add_little(out, INFO_HEADER, 4);
	add_little(out, (uint32_t)width, 4);
	add_little(out, (uint32_t)-height, 4); /* from the top */
	add_little(out, 1, 2);
	add_little(out, BITS, 2);
	for (int i = 0; i < 6; i++)
		add_little(out, 0, 4);
}

static void add_row(struct text *out, const char *pixels, int64_t width, int64_t row)
{
	for (int64_t i = 0; i < width; i++, pixels += COLOURS)
		text_add_bytes(out, (const char[]){pixels[2], pixels[1], pixels[0]}, COLOURS);
	for (int64_t i = width * COLOURS; i < row; i++)
		text_add_char(out, '\0');
}

int bitmap_from_pixmap(const struct text *pixmap, struct text *bitmap, struct error *err)
{
	size_t at = 2;

	if (pixmap->size < at || memcmp(pixmap->data, "P6", 2) != 0)
		return fail(err, ERROR_CATALOG, "the screen is no PPM file");
	int64_t width = read_number(pixmap, &at, SIDE_MOST);
	int64_t height = read_number(pixmap, &at, SIDE_MOST);
	int64_t most = read_number(pixmap, &at, UINT16_MAX);
	at++; /* one white space */
	if (width <= 0 || height <= 0 || most != 255)
		return fail(err, ERROR_CATALOG, "the screen is no PPM file of 8 bits a colour");
	if (at > pixmap->size || (int64_t)(pixmap->size - at) < width * height * COLOURS)
		return fail(err, ERROR_CATALOG, "the screen is cut off");
	int64_t row = (width * COLOURS + 3) / 4 * 4;
	add_headers(bitmap, width, height, row);
	for (int64_t y = 0; y < height; y++)
		add_row(bitmap, pixmap->data + at + y * width * COLOURS, width, row);
	return 0;
}
