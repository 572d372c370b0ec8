/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/media/fat_name.h"

#include "base/cleanup.h"
#include "tests/unit/check.h"

static void test_names(void)
{
	/* in this order into one folder */
	static const struct {
		const char *name, *brief;
		int lower;
		size_t entries;
	} names[] = {
		{"README.TXT", "README  TXT", 0, 1},
		{"boot.ini", "BOOT    INI", FAT_LOWER_BASE | FAT_LOWER_EXTENSION, 1},
		{"SETUP.cfg", "SETUP   CFG", FAT_LOWER_EXTENSION, 1},
		{"12345678.abc", "12345678ABC", FAT_LOWER_EXTENSION, 1},
		{"nodot", "NODOT      ", FAT_LOWER_BASE, 1},
		{"Autounattend.xml", "AUTOUN~1XML", 0, 3},
		{"autounattend2.xml", "AUTOUN~2XML", 0, 3},
		{"Mixed.txt", "MIXED~1 TXT", 0, 2},
		{".bashrc", "BASHRC~1   ", 0, 2},
		{"a.b.c", "AB~1    C  ", 0, 2},
		{"two words", "TWOWOR~1   ", 0, 2},
		{"gr\xc3\xbcn.txt", "GR_N~1  TXT", 0, 2},
		{"\xf0\x9f\x98\x80", "_~1        ", 0, 2},
		{"exactly13char", "EXACTL~1   ", 0, 2},
		{"exactly14chars", "EXACTL~2   ", 0, 3},
		{"x.html", "X~1     HTM", 0, 2},
	};
	static const char *const wrong[] = {"", "a:b", "a\\b", "a*", "a?", "a|b", "a<b", "a\"b",
		"a\nb", "blank ", "dot.", ".", "..", "bad\xff"};
	CLEANUP(map_clear) struct map taken = {0};
	struct error err;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		CLEANUP(fat_name_clear) struct fat_name name = {0};
		char brief[FAT_SHORT_SIZE + 1] = "";
		CHECK(fat_name_make(names[i].name, &taken, &name, &err) == 0, "%s is a name",
			names[i].name);
		memcpy(brief, name.brief, FAT_SHORT_SIZE);
		CHECK_TEXT(brief, names[i].brief, "its short form");
		CHECK_NUMBER(name.lower, names[i].lower, "which of it is in small letters");
		CHECK_NUMBER(fat_name_entries(&name), names[i].entries, "what it takes");
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		CLEANUP(fat_name_clear) struct fat_name name = {0};
		CHECK(fat_name_make(wrong[i], &taken, &name, &err) < 0, "name %zu cannot be", i);
	}
}

static void test_many(void)
{
	CLEANUP(map_clear) struct map taken = {0};
	struct error err;
	int made = 0;

	for (int i = 0; i < 1200; i++) {
		CLEANUP(fat_name_clear) struct fat_name name = {0};
		char text[64];
		snprintf(text, sizeof(text), "a file like others %d", i);
		made += fat_name_make(text, &taken, &name, &err) == 0;
	}
	CHECK_NUMBER(made, 1200, "a thousand names that are alike are told apart");
	CHECK_NUMBER(taken.count, 1200, "each by its own");
}

static void test_checksum(void)
{
	/* the specification's algorithm, by hand: rotate right, add */
	struct fat_name name = {.brief = "A          "};
	uint8_t sum = 0;

	for (int i = 0; i < FAT_SHORT_SIZE; i++)
		sum = (uint8_t)((sum >> 1 | sum << 7) + name.brief[i]);
	CHECK_NUMBER(fat_name_checksum(&name), sum, "the checksum");
}

int main(void)
{
	test_names();
	test_many();
	test_checksum();
	return check_done();
}
