/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Names in a folder of a FAT file system. Source: Microsoft FAT specification 1.03, "Long Directory Entries". */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/map.h"

enum {
	FAT_SHORT_SIZE = 11, /* eight and three, filled with blanks */
	FAT_LONG_MOST = 255, /* of 16 bits each */
	FAT_LONG_IN_ENTRY = 13,
	FAT_LOWER_BASE = 0x08, /* as Windows NT writes names that are all in small letters */
	FAT_LOWER_EXTENSION = 0x10,
};

struct fat_name {
	unsigned char brief[FAT_SHORT_SIZE];
	uint8_t lower;      /* FAT_LOWER_... */
	uint16_t *complete; /* the long name, in UTF-16; NULL: the short one says it all */
	size_t size;
};
void fat_name_clear(struct fat_name *name);

/*
 * NAME, in UTF-8, whose short form is unlike all in TAKEN, which it joins. Kind CATALOG for what cannot be a name there. Names whose short
 * form says it all must come first: fat_name_is_brief.
 */
int fat_name_make(const char *name, struct map *taken, struct fat_name *made, struct error *err);
bool fat_name_is_brief(const char *name);
/* How many entries of 32 bytes it takes. */
size_t fat_name_entries(const struct fat_name *name);
/* What the entries of the long name repeat, so that it is known to be of this short one. */
uint8_t fat_name_checksum(const struct fat_name *name);
