/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "tests/unit/check.h"

static void grows(void)
{
	struct text text = {0};

	CHECK_TEXT(text_get(&text), "", "nothing is an empty text");
	free(text_take(&text));
	for (int i = 0; i < 1000; i++)
		text_addf(&text, "%d,", i % 10);
	CHECK(text.size == 2000 && strlen(text_get(&text)) == 2000, "a thousand additions");
	text_reset(&text);
	CHECK(text.size == 0 && !*text_get(&text), "reset it is empty");
	text_add_bytes(&text, "a\0b", 3);
	text_add_char(&text, 'c');
	text_add(&text, "");
	CHECK(text.size == 4 && memcmp(text.data, "a\0bc", 5) == 0,
		"NUL bytes count, and one ends it");
	char *taken = text_take(&text);
	CHECK(taken && !text.data && !text.size, "taken, it is the caller's");
	free(taken);
	taken = text_take(&text);
	CHECK_TEXT(taken, "", "what was never written to is taken as an empty text");
	free(taken);
	text_clear(&text);
}

static void knows_runes(void)
{
	static const unsigned runes[] = {
		0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFD, 0xFFFF, 0x10000, 0x10FFFF};
	static const char *const bad[] = {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xE2\x82",
		"\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE0\x80\x80",
		"\xF0\x80\x80\x80", "\xC3("};
	size_t length;

	for (size_t i = 0; i < sizeof(runes) / sizeof(*runes); i++) {
		CLEANUP(text_clear) struct text text = {0};
		text_add_rune(&text, runes[i]);
		CHECK(text_read_rune(text.data, text.size, &length) == runes[i] &&
				length == text.size && text_is_utf8(text.data, text.size),
			"U+%04X is written and read", runes[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(text_read_rune(bad[i], strlen(bad[i]), &length) == 0xFFFD && length == 1 &&
				!text_is_utf8(bad[i], strlen(bad[i])),
			"what is no UTF-8 (%zu) is U+FFFD, a byte at a time", i);
	CLEANUP(text_clear) struct text text = {0};
	text_add_rune(&text, 0xD800);
	text_add_rune(&text, 0x110000);
	CHECK_TEXT(text_get(&text), "\xEF\xBF\xBD\xEF\xBF\xBD", "what is no code point is U+FFFD");
	text_reset(&text);
	text_add_utf8(&text, "long enough \xE2\x82 \xC3\xA9\xFF", 18);
	CHECK_TEXT(text_get(&text), "long enough \xEF\xBF\xBD\xEF\xBF\xBD \xC3\xA9\xEF\xBF\xBD",
		"bad bytes are replaced one by one, good ones stay");
	CHECK(text_is_utf8("", 0) && text_is_utf8("a\0b", 3), "nothing and NUL are UTF-8");
	CHECK(!text_is_utf8("12345678\xFF", 9), "a bad byte behind eight good ones is seen");
}

static void escapes(void)
{
	CLEANUP(text_clear) struct text out = {0}, back = {0};
	char all[256];

	text_add_c_escaped(&out, "a\a\b\t\n\v\f\r\\\x01\x7F\0\xE9 b", 15, " ");
	CHECK_TEXT(text_get(&out), "a\\a\\b\\t\\n\\v\\f\\r\\\\\\001\\177\\000\xE9\\040b",
		"control bytes, the backslash and what else is asked for are escaped");
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	text_reset(&out);
	text_add_c_escaped(&out, all, 256, " .\"");
	CHECK(text_add_c_unescaped(&back, out.data, out.size) == 0 && back.size == 256 &&
			memcmp(back.data, all, 256) == 0,
		"every byte comes back");
	static const char *const bad[] = {
		"\\", "a\\", "\\q", "\\1", "\\12", "\\128", "\\400", "\\x41"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(text_add_c_unescaped(&back, bad[i], strlen(bad[i])) < 0, "%s is no escape",
			bad[i]);
}

static void asks(void)
{
	size_t size;
	autofree char *replaced = text_replace("aXbXX", 5, "X", "--", &size);
	autofree char *gone = text_replace("a\0aa", 4, "a", "", &size);
	autofree char *same = text_replace("abc", 3, "abcd", "x", NULL);

	CHECK_TEXT(replaced, "a--b----", "every occurrence is replaced");
	CHECK(size == 1 && gone[0] == '\0', "also behind a NUL, and by nothing");
	CHECK_TEXT(same, "abc", "what is not there is not");
	CHECK(text_starts_with("abc", "ab") && text_starts_with("a", "") &&
			!text_starts_with("a", "ab"),
		"beginnings");
	CHECK(text_ends_with("abc", "bc") && text_ends_with("a", "") &&
			!text_ends_with("c", "bc") && !text_ends_with("abc", "ab"),
		"ends");
	CHECK(text_equal_case("aBc", "AbC") && !text_equal_case("a", "ab"),
		"cases that are folded");
}

int main(void)
{
	grows();
	knows_runes();
	escapes();
	asks();
	return check_done();
}
