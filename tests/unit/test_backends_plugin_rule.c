/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugin.h"
#include "backends/plugin_format.h"

#include <stdlib.h>

#include "base/memory.h"
#include "tests/unit/check.h"

static const struct plugin_option disk[] = {
	{"size", OPTION_INTEGER},
	{"kind", OPTION_TEXT, .fallback = "thin"},
	{0},
};

static const struct plugin_option own[] = {
	{"a", OPTION_TEXT},
	{"b", OPTION_TEXT},
	{"c", OPTION_BOOL},
	{"t", OPTION_TRILEAN},
	{"names", OPTION_TEXTS},
	{"low", OPTION_INTEGER, .fallback = "10"},
	{"high", OPTION_INTEGER, .fallback = "20"},
	{"disks", OPTION_BLOCKS, .block = disk},
	{"root", OPTION_BLOCK, .block = disk},
	{0},
};

/* How many problems RULE finds in the options that JSON says; -1 if it says nothing sensible. */
static int ask(const struct plugin_rule *rule, const char *json, plugin_environment *environment)
{
	const struct plugin_rule rules[] = {*rule, {0}};
	const struct plugin plugin = {
		.groups = (const struct plugin_option *const[]){own, NULL},
		.rules = (const struct plugin_rule *const[]){rules, NULL},
	};
	autojson struct json *options = NULL;
	CLEANUP(strings_clear) struct strings problems = {0};
	struct error err;

	if (json_parse_bytes(json, strlen(json), &options, &err) < 0)
		return -1;
	plugin_check(&plugin, options, environment, NULL, &problems);
	strings_each (problem, &problems)
		printf("# %s\n", problem);
	return (int)problems.count;
}

static const char *home_only(void *context, const char *name)
{
	(void)context;
	return strcmp(name, "HOME") == 0 ? "/root" : "";
}

static const struct {
	struct plugin_rule rule;
	const char *good, *bad;
} cases[] = {
	{{RULE_NEEDS, "a b"}, "{'a':'x','b':'y'}", "{'a':'x'}"},
	{{RULE_ANY, "a b"}, "{'b':'x'}", "{'b':''}"},
	{{RULE_ONE, "a b"}, "{'b':'x'}", "{'a':'x','b':'y'}"},
	{{RULE_ONE, "a names"}, "{'names':['x']}", "{'names':[]}"},
	{{RULE_AT_MOST_ONE, "a b c"}, "{'c':false}", "{'c':true,'a':'x'}"},
	{{RULE_TOGETHER, "a b"}, "{}", "{'a':'x'}"},
	{{RULE_FORBIDS, "a", .when = "c"}, "{'a':'x','c':false}", "{'a':'x','c':true}"},
	{{RULE_FORBIDS, "a", .when = "!c"}, "{'a':'x','c':true}", "{'a':'x'}"},
	{{RULE_FORBIDS, "a", .when = "b=x|y c"}, "{'a':'x','b':'z','c':true}",
		"{'a':'x','b':'y','c':true}"},
	{{RULE_FORBIDS, "a", .when = "b=|y"}, "{'a':'x','b':'z'}", "{'a':'x'}"},
	{{RULE_FORBIDS, "a", .when = "b!=x"}, "{'a':'x','b':'x'}", "{'a':'x'}"},
	{{RULE_FORBIDS, "a", .when = "t=false"}, "{'a':'x'}", "{'a':'x','t':false}"},
	{{RULE_FORBIDS, "a", .when = "low=10"}, "{'a':'x','low':11}", "{'a':'x'}"},
	{{RULE_FORBIDS, "a", .when = "low>10"}, "{'a':'x','low':-11}", "{'a':'x','low':11}"},
	{{RULE_FORBIDS, "a", .when = "root.kind=thin root.size"},
		"{'a':'x','root':{'kind':'thick',"
		"'size':1}}",
		"{'a':'x','root':{'size':1}}"},
	{{RULE_CHOICE, "a", "x|y"}, "{'a':'y'}", "{'a':'Y'}"},
	{{RULE_CHOICE, "names", "x|y"}, "{'names':['x','y']}", "{'names':['x','']}"},
	{{RULE_WORD, "a", "x|y"}, "{'a':'Y'}", "{'a':'z'}"},
	{{RULE_MATCHES, "a", "^[a-z]+$"}, "{'a':'y'}", "{'a':'1'}"},
	{{RULE_MATCHES, "a", "^[a-z]+$"}, "{'a':'{{.Later}}'}", "{'a':'.Later'}"},
	{{RULE_RANGE, "low", "1 10"}, "{'low':10}", "{'low':-1}"},
	{{RULE_RANGE, "a", "1 3"}, "{'a':'xyz'}", "{'a':'xyzw'}"},
	{{RULE_ITEMS, "names", "0 1"}, "{'names':['x']}", "{'names':['x','y']}"},
	{{RULE_IS, "a", "network"}, "{'a':'10.0.0.0/8'}", "{'a':'10.0.0.0/33'}"},
	{{RULE_IS, "names", "boot-command"}, "{'names':['<wait','5s>']}",
		"{'names':['<wait','-5s>']}"},
	{{RULE_ORDER, "low high"}, "{'low':20}", "{'low':21}"},
	{{RULE_RATIO, "high low", "2"}, "{'low':7}", "{'low':6}"},
	{{RULE_NEEDS, "disks.size"}, "{'disks':[{'size':1}]}", "{'disks':[{'size':1},{}]}"},
	{{RULE_NEEDS, "disks.size", .when = "^a"}, "{'disks':[{}]}", "{'a':'x','disks':[{}]}"},
	{{RULE_NEEDS, "root.size"}, "{}", "{'root':{}}"},
	{{RULE_CHOICE, "root.kind", "thick"}, "{'root':{'kind':'thick'}}", "{'root':{'size':1}}"},
};

static char *with_quotes(const char *text)
{
	char *json = memory_copy_text(text);

	for (char *at = json; (at = strchr(at, '\'')); at++)
		*at = '"';
	return json;
}

static void applies_rules(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		autofree char *good = with_quotes(cases[i].good);
		autofree char *bad = with_quotes(cases[i].bad);
		CHECK_NUMBER(ask(&cases[i].rule, good, NULL), 0, "%s: %s is fine",
			cases[i].rule.options, good);
		CHECK_NUMBER(ask(&cases[i].rule, bad, NULL), 1, "%s: %s is not",
			cases[i].rule.options, bad);
	}
}

static void looks_into_the_environment(void)
{
	const struct plugin_rule home = {RULE_NEEDS, "a", .environment = "OTHER HOME"};
	const struct plugin_rule other = {RULE_NEEDS, "a", .environment = "OTHER"};

	CHECK_NUMBER(ask(&home, "{}", home_only), 0, "a variable that is set does as well");
	CHECK_NUMBER(ask(&other, "{}", home_only), 1, "one that is not does not");
	CHECK_NUMBER(ask(&other, "{}", NULL), 0, "where no environment is known nothing is asked");
}

static void knows_forms(void)
{
	static const struct {
		const char *form, *good[4], *bad[5];
	} forms[] = {
		{"address", {"1.2.3.4", "::1", "10.0.0.0/8"}, {"1.2.3", "x", "1.2.3.4/99"}},
		{"boot-command", {"<wait>", "<wait0>", "<wait1m30s><enter>", "<waiit><wait"},
			{"<wait-5s>", "a<wait0s>", "<wait5s><wait-1m>"}},
		{"checksum", {"none", "file:x", "MD5:00", "d41d8cd98f00b204e9800998ecf8427e"},
			{"none:00", "md5:0g", "abc", "sha384:00", "md5:000"}},
		{"multiple-of-60", {"60", "-120"}, {"61"}},
		{"network", {"0.0.0.0/0", "fe80::/10"}, {"10.0.0.0", "10.0.0.0/-1", "/8"}},
		{"tunnel", {"80:host:90", "80:[::1]:90"},
			{"80", "80:host", "x:host:90", "80:::1:9"}},
	};
	struct error err;

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		const char *form = forms[i].form;
		CHECK(plugin_format_is_known(form), "%s is a form", form);
		for (size_t k = 0; k < 4 && forms[i].good[k]; k++)
			CHECK(plugin_format_check(form, forms[i].good[k], &err) == 0, "%s: %s",
				form, forms[i].good[k]);
		for (size_t k = 0; k < 5 && forms[i].bad[k]; k++)
			CHECK(plugin_format_check(form, forms[i].bad[k], &err) < 0, "%s: not %s",
				form, forms[i].bad[k]);
	}
	CHECK(!plugin_format_is_known("tunnels"), "all else is none");
}

int main(void)
{
	applies_rules();
	looks_into_the_environment();
	knows_forms();
	return check_done();
}
