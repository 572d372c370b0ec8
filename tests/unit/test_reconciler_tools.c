/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/tools/ini.h"
#include "reconciler/tools/jinja.h"
#include "reconciler/tools/yaml.h"

#include <stdlib.h>

#include "base/memory.h"
#include "tests/unit/check.h"

/* The documents as one line of JSON, or the error. */
static const char *yaml(const char *text)
{
	static char *last;
	struct json *documents = NULL;
	struct error err;

	free(last);
	if (yaml_parse("f", text, strlen(text), &documents, &err) < 0)
		return last = memory_copy_text(err.text);
	last = json_to_line(documents);
	json_free(documents);
	return last;
}

static void reads_yaml(void)
{
	CHECK_TEXT(yaml(""), "[]", "nothing is no document");
	CHECK_TEXT(yaml("# only this\n"), "[]", "nor is a comment");
	CHECK_TEXT(yaml("---\n...\n---\na: 1\n"), "[\"\",{\"a\":\"1\"}]", "several documents");
	CHECK_TEXT(yaml("a: yes\nb: ~\nc: null\nd: 'null'\ne: 0x1F\n"),
		"[{\"a\":\"yes\",\"b\":\"\",\"c\":\"\",\"d\":\"null\",\"e\":\"0x1F\"}]",
		"scalars are texts");
	CHECK_TEXT(yaml("a: !vault |\n  $ANSIBLE_VAULT;1.1\n  61\n"),
		"[{\"a\":\"$ANSIBLE_VAULT;1.1\\n61\\n\"}]", "whatever their tag");
	CHECK_TEXT(yaml("a: &x [1, 2]\nb: *x\n"), "[{\"a\":[\"1\",\"2\"],\"b\":[\"1\",\"2\"]}]",
		"aliases");
	CHECK_TEXT(yaml("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\n"),
		"[{\"x\":{\"a\":\"1\",\"b\":\"2\"},\"y\":{\"b\":\"3\",\"a\":\"1\"}}]",
		"are merged");
	CHECK_TEXT(yaml("a: 1\na: 2\n"), "[{\"a\":\"2\"}]", "the last of equal keys counts");
	CHECK_TEXT(yaml("? [a, b]\n: 1\nc: 2\n"), "[{\"c\":\"2\"}]", "keys are texts");
	CHECK_TEXT(yaml("\xEF\xBB\xBF"
			"a: 1\n"),
		"[{\"a\":\"1\"}]", "a mark of the byte order");
	CHECK_TEXT(yaml("a: \"x\\0y\"\n"), "[{\"a\":\"x\\u0000y\"}]", "a NUL byte");
}

static void refuses_yaml(void)
{
	CLEANUP(text_clear) struct text text = {0};

	CHECK(strstr(yaml("a: [1\nb: 2\n"), "f:2:2: "), "what is no YAML, with the place");
	CHECK(strstr(yaml("a: *x\n"), "f:1:4: an alias of what is not there"), "an unknown alias");
	CHECK(strstr(yaml("&x [*x]\n"), "an alias of what is not there"), "one of itself");
	CHECK(strstr(yaml("--- &x a\n--- *x\n"), "an alias"), "one of another document");
	CHECK(strstr(yaml("a: \xFF\n"), "f:"), "what is no UTF-8");
	for (int i = 0; i < 5000; i++)
		text_add_char(&text, '[');
	CHECK(strstr(yaml(text_get(&text)), "too many levels"), "levels without end");
	text_reset(&text);
	text_add(&text, "a0: &a0 [x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 60; i++)
		text_addf(&text, "a%d: &a%d [*a%d, *a%d]\n", i, i, i - 1, i - 1);
	CHECK(strstr(yaml(text_get(&text)), "without end"), "aliases of aliases");
	text_reset(&text);
	for (int i = 0; i < 90; i++)
		text_addf(&text, "[&a%d ", i);
	for (int i = 0; i < 50000; i++)
		text_add(&text, "x, ");
	CHECK(strstr(yaml(text_get(&text)), "f:"), "anchors within anchors");
}

static struct json *parse(const char *text)
{
	struct error err;
	struct json *root = NULL;

	json_parse_bytes(text, strlen(text), &root, &err);
	return root;
}

static const char *fill(const char *text)
{
	static char *last;
	autojson struct json *known = parse("{\"dir\":\"/d\",\"item\":{\"a\":\"A\",\"l\":[]}}");

	free(last);
	return last = jinja_fill(text, known);
}

static void fills(void)
{
	CHECK_TEXT(fill("{{dir}}/{{ item.a }}{{ item['a'] }}{{item[\"a\"]}}"), "/d/AAA",
		"what is known is filled in");
	CHECK_TEXT(fill("{{ dir | f }} {{ other }} {{ item.l }} {{ item.b.c }} {{ item"),
		"{{ dir | f }} {{ other }} {{ item.l }} {{ item.b.c }} {{ item",
		"what is not stays");
	CHECK_TEXT(fill("{{}} {{ item['a }} {{ item. }}"), "{{}} {{ item['a }} {{ item. }}",
		"also what is broken");
}

static void finds_edges(void)
{
	static const char *const cases[][3] = {{"a/b/{{ x }}.j2", "a/b", ".j2"},
		{"{{ x }}", "", ""}, {"a{{ x }}/c{{ y }}/d.yml", "", "d.yml"},
		{"/r/{{ x }}", "/r", ""}, {"x/{% if y %}a{% endif %}.c", "x", ".c"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		autofree char *folder = NULL, *end = NULL;
		jinja_edges(cases[i][0], &folder, &end);
		CHECK_TEXT(folder, cases[i][1], "the folder that a name lies in");
		CHECK_TEXT(end, cases[i][2], "and what it ends with");
	}
}

static void note_lookup(void *context, const char *name, const struct strings *terms, bool dynamic)
{
	autofree char *joined = strings_join(terms, "|");

	text_addf(context, "%s(%s%s) ", name, joined, dynamic ? " ..." : "");
}

static const char *lookups(const char *text)
{
	static struct text out;

	text_reset(&out);
	jinja_each_lookup(text, note_lookup, &out);
	return text_get(&out);
}

static void finds_lookups(void)
{
	CHECK_TEXT(lookups("{{ lookup('file', 'a') }} {{ query(\"fileglob\", 'b', \"c\") }}"),
		"file(a) fileglob(b|c) ", "lookups with their terms");
	CHECK_TEXT(lookups("{{ lookup('file', x + '/y', errors='ignore') }}"), "file( ...) ",
		"a term that is not known");
	CHECK_TEXT(lookups("lookup('template', lookup('file', 'a'))"), "template( ...) file(a) ",
		"one within another");
	CHECK_TEXT(lookups("my_lookup('file', 'a') lookups('x') lookup (x)"), "",
		"what only looks like one");
	CHECK_TEXT(lookups("lookup('file', 'a"), "file( ...) ", "one without an end");
}

static const char *includes(const char *text)
{
	static struct text out;
	CLEANUP(strings_clear) struct strings names = {0};
	bool dynamic;

	jinja_list_includes(text, &names, &dynamic);
	autofree char *joined = strings_join(&names, "|");
	text_reset(&out);
	text_addf(&out, "%s%s", joined, dynamic ? " ..." : "");
	return text_get(&out);
}

static void finds_includes(void)
{
	CHECK_TEXT(includes("{% include 'a' %}{%- import \"b\" as c -%}{% from 'd' import e %}"),
		"a|b|d", "templates of a template");
	CHECK_TEXT(includes("{% extends ['a', 'b'] %}"), "a|b", "one of several");
	CHECK_TEXT(includes("{% include x %}"), " ...", "one that is not known");
	CHECK_TEXT(includes("{% if a %}{% includes 'x' %}{% endif %}"), "", "no other words");
	CHECK_TEXT(includes("{% include '"), " ...", "one without an end");
}

static void splits_arguments(void)
{
	autojson struct json *words =
		jinja_split_arguments("run.sh 'a b' src=\"x y\" dest={{ a + ' b' }}/c =d e=");
	autofree char *line = json_to_line(words);

	CHECK_TEXT(line,
		"{\"src\":\"x y\",\"dest\":\"{{ a + ' b' }}/c\",\"e\":\"\",\"_raw_params\":"
		"\"run.sh a b =d\"}",
		"arguments in one line");
}

static void note_pair(void *context, const char *section, const char *key, const char *value)
{
	text_addf(context, "%s.%s=%s|", section, key, value);
}

static void reads_ini(void)
{
	CLEANUP(text_clear) struct text out = {0};

	ini_each("x = 0\n[defaults]\n# a = 1\nRoles_Path = a:b ; why\nlong = x\n   "
	         "y\n\n[other]\nk:v\nno\n",
		note_pair, &out);
	CHECK_TEXT(text_get(&out), ".x=0|defaults.roles_path=a:b|defaults.long=x y|other.k=v|",
		"configuration files");
}

int main(void)
{
	reads_yaml();
	refuses_yaml();
	fills();
	finds_edges();
	finds_lookups();
	finds_includes();
	splits_arguments();
	reads_ini();
	return check_done();
}
