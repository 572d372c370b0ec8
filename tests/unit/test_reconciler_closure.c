/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/closure.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "tests/unit/check.h"

/* The text of CLOSURE behind its first line; clears it. */
static const char *finish(struct closure *closure)
{
	static char *last;
	struct digest digest;

	free(last);
	last = closure_text(closure, &digest);
	closure_clear(closure);
	return strchr(last, '\n') ? strchr(last, '\n') + 1 : "no line";
}

static struct json *parse(const char *text)
{
	struct error err;
	struct json *root = NULL;

	if (json_parse_bytes(text, strlen(text), &root, &err) < 0)
		printf("# %s\n", err.text);
	return root;
}

static void writes_lines(void)
{
	struct closure closure = {0};
	struct digest digest, wanted;

	closure_add(&closure, "file", "b", "2");
	closure_add(&closure, "absent", "z", NULL);
	closure_add(&closure, "file", "a b\n\\", "x y\t\x01");
	closure_add(&closure, "file", "b", "2");
	closure_add(&closure, "option", "empty", "");
	closure_add(&closure, "file", "\xC3\xA9", "3");
	autofree char *text = closure_text(&closure, &digest);
	CHECK_TEXT(text,
		"kiln-closure 1\nabsent z\nfile a\\040b\\n\\\\ x\\040y\\t\\001\nfile b 2\n"
		"file \xC3\xA9 3\noption empty \n",
		"lines are escaped, sorted bytewise and stand once behind the first");
	digest_of(text, strlen(text), &wanted);
	CHECK(digest_equal(&digest, &wanted), "the digest is that of the text");
	closure_digest(&closure, &digest);
	digest_of(strchr(text, '\n') + 1, strlen(strchr(text, '\n') + 1), &wanted);
	CHECK(digest_equal(&digest, &wanted), "or of the lines alone");
	closure_clear(&closure);
	CHECK_TEXT(finish(&closure), "", "an empty one has no lines");
}

static void ignores_order(void)
{
	struct closure there = {0}, back = {0};
	struct digest a, b;

	for (int i = 0; i < 50; i++) {
		autofree char *first = memory_printf("key%d", i);
		autofree char *second = memory_printf("key%d", 49 - i);
		closure_add(&there, "file", first, first);
		closure_add(&back, "file", second, second);
	}
	free(closure_text(&there, &a));
	free(closure_text(&back, &b));
	CHECK(digest_equal(&a, &b), "the order in which inputs were found does not matter");
	closure_add(&back, "file", "key50", NULL);
	free(closure_text(&back, &b));
	CHECK(!digest_equal(&a, &b), "one input more does");
	closure_clear(&there);
	closure_clear(&back);
}

static const char *options(const char *json)
{
	autojson struct json *root = parse(json);
	struct closure closure = {0};

	closure_add_options(&closure, "p", root);
	return finish(&closure);
}

static void flattens_options(void)
{
	CHECK_TEXT(options("{\"a\":\"x y\",\"b\":true,\"c\":-7,\"d\":1.50}"),
		"option p.a x\\040y\noption p.b true\noption p.c -7\noption p.d 1.50\n",
		"one line for each value");
	CHECK_TEXT(options("{\"l\":[\"x\",\"y\",[\"z\"]]}"),
		"option p.l.000 x\noption p.l.001 y\noption p.l.002.000 z\n", "lists are numbered");
	CHECK_TEXT(options("{\"o\":{\"k\":{\"i\":1},\"h\":\"\"}}"),
		"option p.o.h \noption p.o.k.i 1\n", "objects go down");
	autofree char *dotted = memory_copy_text(options("{\"o\":{\"a.b\":\"1\"}}"));
	CHECK(strcmp(dotted, options("{\"o\":{\"a\":{\"b\":\"1\"}}}")) != 0,
		"a dot inside a key does not look like a level");
	autofree char *escaped = memory_copy_text(options("{\"o\":{\"a\\\\056b\":\"1\"}}"));
	CHECK(strcmp(dotted, escaped) != 0, "nor does what such a dot is written as");
	CHECK_TEXT(options("{\"o\":{\"a b\":\"c\\nd\"}}"), "option p.o.a\\040b c\\nd\n",
		"keys are escaped as values are");
	CHECK_TEXT(options("{}"), "", "nothing is nothing");
}

static void masks(void)
{
	struct redactor masks = {0};
	struct closure closure = {.masks = &masks};

	redactor_add(&masks, "tok3n", "<secret token>");
	closure_add(&closure, "option", "tok3n", "say tok3n");
	CHECK_TEXT(finish(&closure), "option tok3n say\\040<secret\\040token>\n",
		"a masked value stands under another text");
	redactor_clear(&masks);
}

static void goes_round(void)
{
	static const char *const values[] = {"", " ", "a b", "\\", "\\040", "\n\t\r\a\b\v\f",
		"\x7F\x01", "\xC3\xA9", "\"quoted\"", "trailing ", " leading"};
	enum { COUNT = sizeof(values) / sizeof(*values) };
	struct closure closure = {0};
	struct digest digest;
	int same = 0;

	for (int i = 0; i < COUNT; i++) {
		autofree char *key = memory_printf("%c%s", 'a' + i, values[i]);
		closure_add(&closure, "file", key, values[i]);
	}
	closure_add(&closure, "zero", "k", NULL);
	autofree char *text = closure_text(&closure, &digest);
	autojson struct json *list = closure_to_json(text);
	CHECK_NUMBER(
		json_count(list), COUNT + 1, "a closure as a list has each line but the first");
	for (int i = 0; i < COUNT; i++) {
		const struct json *item = json_item(list, i);
		same += strcmp(json_get_text(item, "value", "?"), values[i]) == 0 &&
		        strcmp(json_get_text(item, "key", "?") + 1, values[i]) == 0 &&
		        strcmp(json_get_text(item, "kind", "?"), "file") == 0;
	}
	CHECK_NUMBER(same, COUNT, "whatever stands in keys and values comes back");
	CHECK(json_has(json_item(list, COUNT), "value") &&
			!json_get(json_item(list, COUNT), "value"),
		"no value is null");
	closure_clear(&closure);
}

static void finds_lines(void)
{
	CLEANUP(strings_clear) struct strings keys = {0};
	autofree char *start = closure_line_start("file", "a b", true);
	autofree char *open = closure_line_start("file", "a b", false);

	CHECK_TEXT(start, "file a\\040b ", "the beginning of a line");
	CHECK_TEXT(open, "file a\\040b", "or of several");
	closure_list(
		"kiln-closure 1\nabsent c\nfile a\\040b 1\nfile d 2\nfiles e 3\n", "file", &keys);
	autofree char *joined = strings_join(&keys, "|");
	CHECK_TEXT(joined, "a b|d", "the keys of one kind");
}

/* "file:a.sh template:t.json"; the text of the last reason in *TEXT. */
static const char *compare(const char *old, const char *new, const char **text)
{
	static struct text out, last;
	autofree char *a = memory_printf("kiln-closure 1\n%s", old);
	autofree char *b = memory_printf("kiln-closure 1\n%s", new);
	struct reasons reasons = {0};

	closure_compare(a, b, "t.json", &reasons);
	text_reset(&out);
	text_reset(&last);
	for (size_t i = 0; i < reasons.count; i++) {
		const struct reason *reason = &reasons.items[i];
		text_addf(&out, "%s%s:%s", i ? " " : "", reason_kind_name(reason->kind),
			reason->path ? reason->path : "");
		text_reset(&last);
		text_add(&last, reason->text);
	}
	reasons_clear(&reasons);
	if (text)
		*text = text_get(&last);
	return text_get(&out);
}

static void explains_files(void)
{
	const char *text;

	CHECK_TEXT(compare("file a 100644+1\n", "file a 100644+1\n", NULL), "", "no difference");
	CHECK_TEXT(compare("file a 100644+1\n", "file a 100644+2\n", &text), "file:a", "a file");
	CHECK_TEXT(text, "a changed", "that changed");
	CHECK_TEXT(compare("file a 100644+1\n", "file a 100755+1\n", &text), "file:a", "a file");
	CHECK_TEXT(text, "a has another mode: 100755, was 100644", "with another mode");
	CHECK_TEXT(compare("", "file a\\040b 100755+1\n", &text), "file:a b", "a file");
	CHECK_TEXT(text, "a b is new among the inputs", "that is new");
	CHECK_TEXT(compare("file a 100755+1\n", "", &text), "file:a", "a file");
	CHECK_TEXT(text, "a is no longer an input", "that is gone");
	CHECK_TEXT(compare("file a 1+1\nfile c 1+1\nfile d 1+1\n",
			   "file b 1+1\nfile c 1+2\nfile d 1+1\n", NULL),
		"file:a file:b file:c", "several, each once");
	CHECK_TEXT(compare("file a 1+1\nfile a!b 1+1\n", "file a 1+2\nfile a!b 1+1\n", NULL),
		"file:a", "one whose name begins another's");
	CHECK_TEXT(compare("absent a\n", "", &text), "absent:a", "a path that was looked for");
	CHECK_TEXT(text, "a was looked for and absent; it no longer is", "and is there now");
	CHECK_TEXT(compare("absent a\n", "file a 1+1\n", NULL), "absent:a file:a", "both are told");
}

static void explains_the_rest(void)
{
	const char *text;

	CHECK_TEXT(compare("base zoo sha256:1\n", "base zoo sha256:2\n", NULL), "base:", "a base");
	CHECK_TEXT(compare("backend rootfs 1\n", "backend rootfs 2\n", &text),
		"backend:", "a backend");
	CHECK(strstr(text, "rootfs is version 2, was 1"), "with its versions");
	CHECK_TEXT(compare("secret pin 1\n", "secret pin 2\n", NULL), "variable:", "a secret");
	CHECK_TEXT(compare("option variable.x 1\n", "option variable.x 2\n", NULL),
		"variable:t.json", "a variable");
	CHECK_TEXT(compare("option p.a old\n", "option p.a new\n", &text), "template:t.json",
		"an option");
	CHECK(strstr(text, "p.a is new, was old"), "with both values");
	CHECK_TEXT(compare("", "option p.a x\\040y\n", &text), "template:t.json", "a new one");
	CHECK(strstr(text, "x y"), "as people read it");
	CHECK_TEXT(compare("unheard of\n", "unheard off\n", NULL),
		"template:t.json template:t.json",
		"what is of no known kind counts as the template");
	autofree char *lengthy = memory_printf("option p.a %0200d\n", 0);
	compare("", lengthy, &text);
	CHECK(strlen(text) < 120, "what is long is cut");
}

int main(void)
{
	writes_lines();
	ignores_order();
	flattens_options();
	masks();
	goes_round();
	finds_lines();
	explains_files();
	explains_the_rest();
	return check_done();
}
