/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/media/fat_name.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/text.h"

enum { BASE_SIZE = 8, EXTENSION_SIZE = 3, NUMBER_MOST = 999999 };

void fat_name_clear(struct fat_name *name)
{
	free(name->complete);
	*name = (struct fat_name){0};
}

static bool is_short_byte(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("$%'-_@~`!(){}^#&", c));
}

/* The letters of a part are all small (FLAG), all capital (0), or mixed (-1). */
static int case_of(const char *part, size_t size, int flag)
{
	bool small = false, capital = false;

	for (size_t i = 0; i < size; i++) {
		small |= islower((unsigned char)part[i]) != 0;
		capital |= isupper((unsigned char)part[i]) != 0;
	}
	return small && capital ? -1 : small ? flag : 0;
}

static bool make_brief(const char *name, struct fat_name *made)
{
	const char *dot = strchr(name, '.');
	size_t base = dot ? (size_t)(dot - name) : strlen(name);
	const char *extension = dot ? dot + 1 : "";
	size_t rest = strlen(extension);

	if (base < 1 || base > BASE_SIZE || rest > EXTENSION_SIZE || (dot && !rest))
		return false;
	for (const char *p = name; *p; p++)
		if (p != dot && !is_short_byte(*p))
			return false;
	int lower_base = case_of(name, base, FAT_LOWER_BASE);
	int lower_extension = case_of(extension, rest, FAT_LOWER_EXTENSION);
	if (lower_base < 0 || lower_extension < 0)
		return false;
	memset(made->brief, ' ', FAT_SHORT_SIZE);
	for (size_t i = 0; i < base; i++)
		made->brief[i] = (unsigned char)toupper((unsigned char)name[i]);
	for (size_t i = 0; i < rest; i++)
		made->brief[BASE_SIZE + i] = (unsigned char)toupper((unsigned char)extension[i]);
	made->lower = (uint8_t)(lower_base | lower_extension);
	return true;
}

bool fat_name_is_brief(const char *name)
{
	struct fat_name made = {0};

	return make_brief(name, &made);
}

/* ---- long names ---- */

static int make_long(const char *name, struct fat_name *made, struct error *err)
{
	size_t size = strlen(name), room = 0;

	for (size_t at = 0, length; at < size; at += length) {
		unsigned rune = text_read_rune(name + at, size - at, &length);
		if (rune >= 0x10000) {
			MEMORY_GROW(made->complete, made->size, room);
			made->complete[made->size++] =
				(uint16_t)(0xD800 + ((rune - 0x10000) >> 10));
			rune = 0xDC00 + ((rune - 0x10000) & 0x3FF);
		}
		MEMORY_GROW(made->complete, made->size, room);
		made->complete[made->size++] = (uint16_t)rune;
	}
	if (made->size > FAT_LONG_MOST)
		return fail(
			err, ERROR_CATALOG, "the name is longer than %d characters", FAT_LONG_MOST);
	return 0;
}

/* What is left of a part of NAME in a short one. */
static size_t squeeze(const char *part, const char *end, size_t most, unsigned char *to)
{
	size_t size = 0, length;

	for (; part < end && size < most; part += length) {
		text_read_rune(part, end - part, &length);
		if (*part == ' ' || *part == '.')
			continue;
		to[size++] =
			is_short_byte(*part) ? (unsigned char)toupper((unsigned char)*part) : '_';
	}
	return size;
}

static bool take(struct map *taken, const unsigned char *brief)
{
	autofree char *key = memory_copy_bytes(brief, FAT_SHORT_SIZE);

	if (map_find_place(taken, key))
		return false;
	map_set(taken, key, NULL);
	return true;
}

/* "LONGNA~1.TXT", or with more digits. */
static int make_numbered(
	const char *name, struct map *taken, struct fat_name *made, struct error *err)
{
	const char *dot = strrchr(name, '.'), *end = name + strlen(name);
	unsigned char base[BASE_SIZE];
	char number[16];

	if (dot == name)
		dot = NULL;
	memset(made->brief, ' ', FAT_SHORT_SIZE);
	if (dot)
		squeeze(dot + 1, end, EXTENSION_SIZE, made->brief + BASE_SIZE);
	size_t size = squeeze(name, dot ? dot : end, BASE_SIZE, base);
	for (int i = 1; i <= NUMBER_MOST; i++) {
		int digits = snprintf(number, sizeof(number), "~%d", i);
		size_t kept = size + digits > BASE_SIZE ? (size_t)(BASE_SIZE - digits) : size;
		memset(made->brief, ' ', BASE_SIZE);
		memcpy(made->brief, base, kept);
		memcpy(made->brief + kept, number, digits);
		if (take(taken, made->brief))
			return 0;
	}
	return fail(err, ERROR_CATALOG, "too many names are like it");
}

static int check(const char *name, struct error *err)
{
	size_t size = strlen(name);

	if (!text_is_utf8(name, size))
		return fail(err, ERROR_CATALOG, "the name is not UTF-8");
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7F || strchr("\"*/:<>?\\|", *p))
			return fail(err, ERROR_CATALOG,
				"none of \" * : < > ? \\ | may be in a name there, and no control "
				"character");
	if (!size || name[size - 1] == ' ' || name[size - 1] == '.')
		return fail(err, ERROR_CATALOG, "no name there ends in a blank or a dot");
	return 0;
}

int fat_name_make(const char *name, struct map *taken, struct fat_name *made, struct error *err)
{
	*made = (struct fat_name){0};
	if (check(name, err) < 0)
		return -1;
	if (make_brief(name, made) && take(taken, made->brief))
		return 0;
	made->lower = 0;
	if (make_long(name, made, err) == 0 && make_numbered(name, taken, made, err) == 0)
		return 0;
	fat_name_clear(made);
	return -1;
}

size_t fat_name_entries(const struct fat_name *name)
{
	return 1 + (name->size + FAT_LONG_IN_ENTRY - 1) / FAT_LONG_IN_ENTRY;
}

uint8_t fat_name_checksum(const struct fat_name *name)
{
	uint8_t sum = 0;

	for (int i = 0; i < FAT_SHORT_SIZE; i++)
		sum = (uint8_t)(((sum & 1) << 7) + (sum >> 1) + name->brief[i]);
	return sum;
}
