/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of kiln-web that need no connection. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "reconciler/listen_address.h"
#include "reconciler/web/bitmap.h"
#include "reconciler/web/limiter.h"
#include "reconciler/web/picture.h"
#include "reconciler/web/secret.h"
#include "reconciler/web/view.h"
#include "tests/unit/check.h"

enum { SEC = 1000 * 1000 };

static void test_addresses(void)
{
	static const struct {
		const char *text;
		bool good, local;
	} cases[] = {{"127.0.0.1:8480", true, true}, {"127.9.9.9:1", true, true},
		{"0.0.0.0:80", true, false}, {"[::1]:8480", true, true}, {"[::]:80", true, false},
		{"192.0.2.1:65535", true, false}, {"unix:/run/kiln.sock", true, true},
		{"unix:run/kiln.sock", false}, {"unix:", false}, {"localhost:80", false},
		{"127.0.0.1", false}, {"127.0.0.1:", false}, {"127.0.0.1:65536", false},
		{"127.0.0.1:-1", false}, {"127.0.0.1:8 ", false}, {"::1:80", false},
		{"[::1]", false}, {"[]:1", false}, {"", false}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct listen_address address;
		bool good = listen_address_parse(cases[i].text, &address);
		CHECK(good == cases[i].good, "'%s' is %san address", cases[i].text,
			cases[i].good ? "" : "no ");
		if (good && cases[i].good)
			CHECK(address.is_local == cases[i].local, "'%s' is %sreached by others",
				cases[i].text, cases[i].local ? "not " : "");
	}
}

/* The streamed HMAC is that of libcrypto, for keys on both sides of a block and bodies in pieces. */
static void test_signatures(void)
{
	static const size_t keys[] = {16, 63, 64, 65, 300};
	char body[1000], key[300];

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)(i * 7);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (char)(i * 13 + 1);
	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
		struct secret secret = {key, keys[k]};
		struct signature *signature = signature_new(&secret);
		struct digest wanted, got;
		digest_hmac(key, keys[k], body, sizeof(body), &wanted);
		for (size_t at = 0; at < sizeof(body);) {
			size_t size = at % 97 + 1;
			size = size > sizeof(body) - at ? sizeof(body) - at : size;
			signature_add(signature, body + at, size);
			at += size;
		}
		signature_end(signature, &got);
		signature_free(signature);
		CHECK(digest_equal(&wanted, &got), "HMAC-SHA-256 with a key of %zu bytes", keys[k]);
	}
}

static void test_secrets(void)
{
	CHECK(secret_same("abc", 3, "abc", 3), "equal bytes are the same");
	CHECK(!secret_same("abc", 3, "abd", 3), "others are not");
	CHECK(!secret_same("abc", 3, "ab", 2), "nor is a part");
	CHECK(!secret_same("abc", 3, "abc\0", 4), "nor more");
	CHECK(secret_same("", 0, "", 0), "nothing is the same as nothing");
	struct secret none = {0};
	CHECK(!secret_is(&none, ""), "but where there is no secret nobody has it");
	autofree char *one = secret_random(32), *two = secret_random(32);
	CHECK(strlen(one) == 64 && strcmp(one, two) != 0, "random ones differ");
}

/* A pixel is blue, green, red, and each row is filled up to four bytes. */
static void test_bitmap(void)
{
	static const char pixmap[] = "P6\n# one\n2 #two\n2\n255\nabcdefghijkl";
	static const char pixels[] = "cbafed\0\0ihglkj\0";
	static const struct {
		const char *what, *text;
	} wrong[] = {
		{"nothing", ""},
		{"another kind", "P5\n2 2\n255\nabcdefghijkl"},
		{"no size", "P6\n255\n"},
		{"no width", "P6\n0 2\n255\nabcdefghijkl"},
		{"a negative one", "P6\n-2 2\n255\nabcdefghijkl"},
		{"one beyond all measure", "P6\n99999999999999999999 2\n255\nabc"},
		{"a product beyond all measure", "P6\n16384 16384\n255\nabc"},
		{"16 bits a colour", "P6\n1 1\n65535\nabcdef"},
		{"a byte too few", "P6\n2 2\n255\nabcdefghijk"},
		{"its end behind the numbers", "P6\n2 2\n255"},
		{"a comment without an end", "P6\n#"},
	};
	struct text in = {(char *)(uintptr_t)pixmap, sizeof(pixmap) - 1, 0};
	CLEANUP(text_clear) struct text out = {0};
	struct error err;

	CHECK(bitmap_from_pixmap(&in, &out, &err) == 0 && out.size == 54 + 16,
		"a PPM becomes a BMP");
	CHECK(out.size == 70 && memcmp(out.data, "BM\x46\0\0\0", 6) == 0, "of its length");
	CHECK(out.size == 70 &&
			memcmp(out.data + 18, "\2\0\0\0\xfe\xff\xff\xff\1\0\x18\0", 12) == 0,
		"of its size, from the top");
	CHECK(out.size == 70 && memcmp(out.data + 54, pixels, 16) == 0, "with its pixels");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct text bad = {(char *)(uintptr_t)wrong[i].text, strlen(wrong[i].text), 0};
		CHECK(bitmap_from_pixmap(&bad, &out, &err) < 0 && err.kind == ERROR_CATALOG,
			"%s is none", wrong[i].what);
	}
}

static void test_limiter(void)
{
	static const struct limits limits = {3, 10, 60 * SEC};
	struct limiter *limiter = limiter_new(&limits);
	struct http_peer one = {{1}}, two = {{2}};
	int64_t now = 1000 * SEC;

	CHECK(limiter_look(limiter, &one, now) == 0, "who did nothing may");
	for (int i = 0; i < 3; i++)
		CHECK(limiter_count(limiter, &one, now) == 0, "mistake %d is within it", i + 1);
	int wait = limiter_count(limiter, &one, now);
	CHECK(wait > 0 && wait <= 21, "the fourth is not: again in %d s", wait);
	CHECK(limiter_look(limiter, &two, now) == 0, "another address may all the same");
	CHECK(limiter_count(limiter, &one, now + wait * SEC) == 0, "after that time it may again");
	CHECK(limiter_count(limiter, &one, now + wait * SEC) > 0, "once");
	for (int i = 0; i < 10; i++) {
		struct http_peer other = {{100, (unsigned char)i}};
		limiter_count(limiter, &other, now);
	}
	CHECK(limiter_look(limiter, &two, now) > 0, "all together have a limit too");
	for (int i = 0; i < 100000; i++) {
		struct http_peer other = {
			{(unsigned char)i, (unsigned char)(i >> 8), (unsigned char)(i >> 16)}};
		limiter_count(limiter, &other, now + i);
	}
	CHECK(limiter_look(limiter, &two, now + 120ll * SEC) == 0, "which passes");
	limiter_free(limiter);
}

static void test_escape(void)
{
	autojson struct json *data = NULL, *escaped = NULL;
	static const char text[] =
		"{\"<a>\": [\"<b>&\\\"'\", {\"x\": \"</script>\"}, 5, null, true], \"u\": \"ü\"}";
	static const char wanted[] =
		"{\"<a>\":[\"&lt;b&gt;&amp;&quot;&#39;\",{\"x\":\"&lt;/script&gt;\"},5,null,true],"
		"\"u\":\"ü\"}";
	struct error err;

	CHECK(json_parse_bytes(text, strlen(text), &data, &err) == 0, "data");
	escaped = view_escape(data);
	autofree char *line = json_to_line(escaped);
	CHECK_TEXT(line, wanted, "every text is escaped, however deep");
}

static void check_ago(int64_t usec, const char *wanted)
{
	CLEANUP(text_clear) struct text text = {0};

	view_write_ago(1000000ll * SEC + usec, 1000000ll * SEC, &text);
	CHECK_TEXT(text_get(&text), wanted, "%s", wanted);
}

static void check_duration(double seconds, const char *wanted)
{
	CLEANUP(text_clear) struct text text = {0};

	view_write_duration(seconds, &text);
	CHECK_TEXT(text_get(&text), wanted, "%s", wanted);
}

static void test_words(void)
{
	CLEANUP(text_clear) struct text url = {0};

	check_ago(0, "now");
	check_ago(-59ll * SEC, "59 s ago");
	check_ago(-60ll * SEC, "1 min ago");
	check_ago(-47ll * 3600 * SEC, "1 d ago");
	check_ago(3 * 3600ll * SEC, "in 3 h");
	check_ago(-800ll * 86400 * SEC, "2 y ago");
	check_duration(0.001, "under 10 ms");
	check_duration(0.256, "0.26 s");
	check_duration(9.94, "9.9 s");
	check_duration(59, "59 s");
	check_duration(61, "1 min 1 s");
	check_duration(7325, "2 h 2 min");
	view_write_url("a/b c?d&e=\"ü", &url);
	CHECK_TEXT(text_get(&url), "a/b%20c%3Fd%26e%3D%22%C3%BC", "parts of URLs are escaped");
}

static struct json *make_relatives(int children)
{
	struct json *relatives = json_new_object(), *above = json_new_list(),
		    *below = json_new_list();

	json_set_text(relatives, "image", "web");
	json_set(relatives, "above", above);
	json_set(relatives, "below", below);
	for (int i = 0; i < children; i++) {
		char name[32];
		struct json *edge = json_new_object();
		snprintf(name, sizeof(name), "child-%d", i);
		json_set_text(edge, "image", name);
		json_set_integer(edge, "version", 1);
		json_set_text(edge, "base", "web");
		json_set_integer(edge, "base_version", 2);
		json_set_integer(edge, "distance", 1);
		json_add(below, edge);
	}
	return relatives;
}

static void test_picture(void)
{
	autojson struct json *none = make_relatives(0), *few = make_relatives(3),
			     *many = make_relatives(500);
	autojson struct json *of_none = picture_make(none, ""), *of_few = picture_make(few, "lab/"),
			     *of_many = picture_make(many, "");

	CHECK(of_none == NULL, "who has no relatives has no picture");
	CHECK_NUMBER(json_count(json_get(of_few, "boxes")), 4, "a box for each");
	CHECK_NUMBER(json_count(json_get(of_few, "lines")), 3, "and a line to each");
	CHECK_TEXT(json_get_text(json_item(json_get(of_few, "boxes"), 1), "href", ""),
		"/image/lab/child-0", "which leads there");
	CHECK_NUMBER(json_count(json_get(of_many, "boxes")), 9, "of very many some are shown");
	CHECK_NUMBER(json_get_integer(json_item(json_get(of_many, "beyond"), 0), "count", 0), 492,
		"and the others counted");
}

int main(void)
{
	test_addresses();
	test_signatures();
	test_secrets();
	test_bitmap();
	test_limiter();
	test_escape();
	test_words();
	test_picture();
	return check_done();
}
