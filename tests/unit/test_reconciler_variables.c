/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/template/variables.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "tests/unit/check.h"

static const char *no_environment(void *context, const char *name)
{
	(void)context, (void)name;
	return "";
}

/* The variable LAST of a template with these VARIABLES (the members of an object), or what is wrong. The caller frees. */
static char *solved(const char *variables, const char *last)
{
	autofree char *text =
		memory_printf("{\"variables\":{%s},\"builders\":[{\"type\":\"null\"}]}", variables);
	CLEANUP(template_freep) struct template *template = NULL;
	CLEANUP(variables_clear) struct variables result = {0};
	struct interpolation context = {.get_environment = no_environment};
	struct error err;

	if (template_parse("t.json", text, strlen(text), &template, &err) < 0 ||
		variables_solve(template, NULL, &context, &result, &err) < 0)
		return memory_copy_text(err.text);
	return memory_copy_text(map_find(&result.values, last));
}

static void solves(void)
{
	static const char *const cases[][2] = {
		{"\"z\":\"1\"", "1"},
		{"\"a\":\"{{user `z`}}\",\"z\":\"{{user `b`}}{{user `b`}}\",\"b\":\"x\"", "xx"},
		{"\"z\":\"{{user `z`}}\"", "t.json:1:15: variable z: user: variable not set: z"},
		{"\"y\":\"{{user `z`}}\",\"z\":\"{{user `y`}}\"",
			"t.json:1:34: variable z: user: variable not set: y"},
		{"\"z\":\"{{.Vars}}\"", "{{.Vars}}"},
		{"\"z\":null", "t.json:1:15: the variable z must be given, and nobody gives it"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		autofree char *got = solved(cases[i][0], "z");
		CHECK_TEXT(got, cases[i][1], "%s", cases[i][0]);
	}
}

/* COUNT variables, each twice the one before. */
static void add_doubling(struct text *text, int count)
{
	text_add(text, "\"a00\":\"xxxxxxxxxxxxxxxx\"");
	for (int i = 1; i < count; i++)
		text_addf(text, ",\"a%02d\":\"{{user `a%02d`}}{{user `a%02d`}}\"", i, i - 1, i - 1);
}

static void bounds(void)
{
	CLEANUP(text_clear) struct text text = {0};

	add_doubling(&text, 10);
	autofree char *small = solved(text_get(&text), "a09");
	CHECK_NUMBER(strlen(small), 16 * 512, "variables may double");
	text_reset(&text);
	add_doubling(&text, 60);
	autofree char *large = solved(text_get(&text), "a59");
	CHECK(strstr(large, "t.json:1:") && strstr(large, "variable a") &&
			strstr(large, "more than 16777216 bytes"),
		"but not without end: %.200s", large);
	text_reset(&text);
	add_doubling(&text, 18);
	for (int i = 0; i < 1000; i++)
		text_addf(&text, ",\"b%d\":\"{{user `a17`}}\"", i);
	autofree char *many = solved(text_get(&text), "b0");
	CHECK(strstr(many, "variable b") && strstr(many, "larger than 16777216 bytes"),
		"nor all together: %.200s", many);
}

int main(void)
{
	solves();
	bounds();
	return check_done();
}
