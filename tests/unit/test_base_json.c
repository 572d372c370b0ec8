/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <stdlib.h>

#include "tests/unit/check.h"

static const char *error_of(const char *text, unsigned flags)
{
	static struct error err;
	struct json_source source = {"f.json", text, strlen(text)};
	autojson struct json *root = NULL;

	return json_parse(&source, flags, &root, &err) < 0 ? err.text : NULL;
}

static const char *again(const char *text, unsigned flags)
{
	static char *last;
	struct text out = {0};
	struct error err;
	struct json_source source = {"f.json", text, strlen(text)};
	autojson struct json *root = NULL;

	free(last);
	last = NULL;
	if (json_parse(&source, flags, &root, &err) < 0)
		return err.text[0] ? "error" : NULL;
	json_write(root, JSON_LINE, &out);
	return last = text_take(&out);
}

static void accepts(void)
{
	static const char *const good[] = {"{}", "[]", "null", "true", "false", "0", "-0", "12",
		"1.5", "1e9", "-1.25E-2", "\"\"", "[1,[2,{\"a\":null}]]", "{\"a\":{\"b\":[]}}"};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		CHECK(!error_of(good[i], JSON_STRICT), "%s is JSON", good[i]);
	CHECK_TEXT(again("\"\\u00e9\\ud83d\\ude00\\n\\/\"", 0), "\"é😀\\n/\"", "escapes are read");
	CHECK_TEXT(again("\"\\ud83d\"", 0), "\"\xEF\xBF\xBD\"", "a lone surrogate becomes U+FFFD");
	CHECK_TEXT(again("\"\\ud83d\\u0041\"", 0),
		"\"\xEF\xBF\xBD"
		"A\"",
		"what follows a lone surrogate is kept");
	CHECK_TEXT(again("1.50", 0), "1.50", "a real number keeps its digits");
	CHECK_TEXT(again("12345678901234567890", 0), "12345678901234567890",
		"a whole number beyond 64 bits keeps its digits");
	CHECK_TEXT(again("\"\xff\"", JSON_REPAIR_UTF8), "\"\xEF\xBF\xBD\"",
		"bytes that are no UTF-8 are repaired where asked");
	CHECK_TEXT(again("// a\n{/* b */\"a\" : 1 // c\n}", JSON_COMMENTS), "{\"a\":1}",
		"comments are space where allowed");
}

static void refuses(void)
{
	CHECK_TEXT(
		error_of("", 0), "f.json:1:1: the text ends where a value was expected", "nothing");
	CHECK_TEXT(error_of("{\"a\":1,}", 0), "f.json:1:7: a comma before the closing '}'",
		"a comma before the brace");
	CHECK_TEXT(error_of("[1,]", 0), "f.json:1:3: a comma before the closing ']'",
		"a comma before the bracket");
	CHECK_TEXT(error_of("{\"a\":1,\n \"b\":2,\n \"a\":3}", 0),
		"f.json:3:2: duplicate key \"a\"", "a key that stands twice, with its place");
	CHECK_TEXT(error_of("{\"x\":{\"a\":1,\"\\u0061\":3}}", 0),
		"f.json:1:13: duplicate key \"a\"", "also in disguise and deeper down");
	CHECK_TEXT(error_of("\"a\nb\"", 0),
		"f.json:1:3: a raw control character (0x0a) in a string: write it as an escape "
		"such as "
		"\\n or \\t",
		"a raw newline in a string");
	CHECK_TEXT(error_of("NaN", 0), "f.json:1:1: 'N' where a value was expected", "NaN");
	CHECK_TEXT(error_of("01", 0), "f.json:1:2: '1' where the end of the text was expected",
		"a leading zero");
	CHECK_TEXT(error_of("1.", 0), "f.json:1:3: the text ends where a digit was expected",
		"a point without digits");
	CHECK_TEXT(
		error_of("'a'", 0), "f.json:1:1: ''' where a value was expected", "single quotes");
	CHECK_TEXT(error_of("{a:1}", 0),
		"f.json:1:2: 'a' where a key in double quotes was expected",
		"a key without quotes");
	CHECK_TEXT(error_of("{} {}", 0), "f.json:1:4: '{' where the end of the text was expected",
		"a second value");
	CHECK_TEXT(
		error_of("\"\\u0000\"", 0), "f.json:1:2: \\u0000 has no place in a text", "a NUL");
	CHECK_TEXT(error_of("\"abc", 0), "f.json:1:1: the string that begins here has no end",
		"a string without end");
	CHECK_TEXT(error_of("\"\xff\"", 0),
		"f.json:1:2: the string that begins here is not valid UTF-8",
		"bytes that are no UTF-8");
	CHECK_TEXT(error_of("\xEF\xBB\xBF{}", 0),
		"f.json:1:1: byte 0xef where a value was expected", "a byte order mark");
	CHECK_TEXT(error_of("/* x", JSON_COMMENTS),
		"f.json:1:1: the comment that begins here has no end", "a comment without end");
	CHECK_TEXT(error_of("// x\n1", 0), "f.json:1:1: '/' where a value was expected",
		"a comment where none is allowed");
	CHECK_TEXT(error_of("1e999", 0), "f.json:1:1: the number 1e999 is too large",
		"a number that is no number any more");
	CHECK_TEXT(error_of("nul", 0), "f.json:1:1: 'n' where a value was expected", "half a word");

	char deep[2 * JSON_DEPTH_MOST + 8];
	memset(deep, '[', JSON_DEPTH_MOST);
	memset(deep + JSON_DEPTH_MOST, ']', JSON_DEPTH_MOST);
	deep[2 * JSON_DEPTH_MOST] = '\0';
	CHECK(!error_of(deep, 0), "the deepest nesting that is allowed");
	memset(deep, '[', JSON_DEPTH_MOST + 1);
	deep[JSON_DEPTH_MOST + 1] = '\0';
	CHECK(error_of(deep, 0) && strstr(error_of(deep, 0), "levels deep"), "one level more");
}

static void finds_places(void)
{
	static const char text[] =
		"{ // first\n  \"a\": {\"b\": null,\n    \"c\": [1, {\"d\": 2}]}\n}";
	struct json_source source = {"f", text, sizeof(text) - 1};
	autojson struct json *root = NULL;
	struct error err;

	if (!CHECK(json_parse(&source, JSON_COMMENTS, &root, &err) == 0, "a document to look into"))
		return;
	struct json *a = json_get(root, "a"), *c = json_get(a, "c");
	struct json_place place = json_place_key(&source, root, "a");
	CHECK(place.line == 2 && place.column == 3, "the place of a key");
	place = json_place_value(&source, a, "b");
	CHECK(place.line == 2 && place.column == 14, "the place of a null");
	place = json_place_item(&source, c, 1);
	CHECK(place.line == 3 && place.column == 14, "the place of an item");
	place = json_place_key(&source, json_item(c, 1), "d");
	CHECK(place.line == 3 && place.column == 15, "the place of a key in an object in a list");
	place = json_place(&source, c);
	CHECK(place.line == 3 && place.column == 10, "the place of a list");
	CHECK(json_has(a, "b") && !json_get(a, "b") && !json_has(a, "x"),
		"a null is there, an absent key is not");
}

static void looks_and_builds(void)
{
	autojson struct json *object = json_new_object();
	struct json *list = json_new_list();
	struct text out = {0};

	json_set_text(object, "b", "x\"y/\xff");
	json_set_integer(object, "a", -7);
	json_set(object, "list", list);
	json_add_text(list, "one");
	json_add(list, json_new_bool(true));
	json_add(list, NULL);
	json_set_text(object, "none", NULL);
	json_write(object, JSON_LINE, &out);
	CHECK_TEXT(text_get(&out),
		"{\"b\":\"x\\\"y/"
		"\xEF\xBF\xBD\",\"a\":-7,\"list\":[\"one\",true,null],\"none\":null}",
		"what was built is written in its order");
	CHECK_NUMBER(json_get_integer(object, "a", 0), -7, "a number comes back");
	CHECK_NUMBER(json_get_integer(object, "b", 5), 5, "the fallback for another kind");
	CHECK_TEXT(json_get_text(json_item(list, 0), "x", NULL), NULL, "a text has no members");
	CHECK(json_kind(json_item(list, 2)) == JSON_NULL &&
			json_kind(json_item(list, 9)) == JSON_NULL,
		"past the end is null");
	text_clear(&out);
}

int main(void)
{
	accepts();
	refuses();
	finds_places();
	looks_and_builds();
	return check_done();
}
