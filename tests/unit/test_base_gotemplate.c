/* SPDX-License-Identifier: Apache-2.0 */
#include "base/gotemplate.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tests/unit/check.h"

/* ---- a few functions as Packer has them ---- */

static int do_upper(void *context, const struct gotemplate_value *arguments, size_t count,
	struct text *result, struct error *err)
{
	(void)context, (void)count, (void)err;
	for (const char *c = gotemplate_text(arguments, 0); *c; c++)
		text_add_char(result, toupper((unsigned char)*c));
	return 0;
}

static int do_user(void *context, const struct gotemplate_value *arguments, size_t count,
	struct text *result, struct error *err)
{
	(void)context, (void)count;
	const char *name = gotemplate_text(arguments, 0);
	if (strcmp(name, "nope") == 0)
		return fail(err, ERROR_CATALOG, "variable not set: %s", name);
	text_addf(result, "<%s>", name);
	return 0;
}

static int do_join(void *context, const struct gotemplate_value *arguments, size_t count,
	struct text *result, struct error *err)
{
	(void)context, (void)err;
	for (size_t i = 0; i < count; i++)
		text_addf(result, "%s%s", i ? "+" : "", gotemplate_text(arguments, i));
	return 0;
}

static int do_repeat(void *context, const struct gotemplate_value *arguments, size_t count,
	struct text *result, struct error *err)
{
	(void)context, (void)count, (void)err;
	for (long long i = 0; i < gotemplate_integer(arguments, 0); i++)
		text_add(result, gotemplate_text(arguments, 1));
	return 0;
}

static int never(void *context, const struct gotemplate_value *arguments, size_t count,
	struct text *result, struct error *err)
{
	(void)context, (void)arguments, (void)count, (void)result;
	return fail(err, ERROR_BROKEN, "a kept function was called");
}

static const struct gotemplate_function functions[] = {
	{"upper", "s", do_upper, false},
	{"user", "s", do_user, false},
	{"join", "S", do_join, false},
	{"repeat", "is", do_repeat, false},
	{"timestamp", "", never, true},
};

static const struct gotemplate_function *find(void *context, const char *name)
{
	(void)context;
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (strcmp(functions[i].name, name) == 0)
			return &functions[i];
	return NULL;
}

static const char *render_with(const char *template, const struct gotemplate_options *options)
{
	static char *last;
	struct text out = {0};
	struct error err;

	free(last);
	if (gotemplate_render(template, options, &out, &err) < 0) {
		text_clear(&out);
		return last = memory_printf("error: %s", err.text);
	}
	return last = text_take(&out);
}

static struct json *data;

static const char *render(const char *template)
{
	struct gotemplate_options options = {.find = find, .data = data};

	return render_with(template, &options);
}

struct row {
	const char *template, *wanted;
};

/* What Go prints for each, with the data of main. */
static const struct row rows[] = {
	{"", ""},
	{"plain { text }", "plain { text }"},
	{"a{{ user `b` }}c", "a<b>c"},
	{"{{user \"b\\tc\\x41\\u00e9\\101\"}}", "<b\tcA\303\251A>"},
	{"{{ `x` | upper }}", "X"},
	{"{{ `x` | join `a` `b` }}", "a+b+x"},
	{"{{ join (upper `a`) (join `b` `c`) }}", "A+b+c"},
	{"{{upper \"a\"|upper|upper}}", "A"},
	{"{{/* a comment */}}x", "x"},
	{"a {{- /* trimmed */ -}} b", "ab"},
	{"a  {{- `x` }} b", "ax b"},
	{"a {{ `x` -}}  \n b", "a xb"},
	{"{{-3}}", "-3"},
	{"{{- 3}}", "3"},
	{"{{`{{`}}x{{`}}`}}", "{{x}}"},
	{"{{if true}}a{{else}}b{{end}}", "a"},
	{"{{if false}}a{{else if eq `x` `x`}}b{{else}}c{{end}}", "b"},
	{"{{if false}}a{{else if false}}b{{else}}c{{end}}", "c"},
	{"{{if and (eq 1 1) (ne `a` `b`)}}y{{end}}", "y"},
	{"{{if or false ``}}y{{else}}n{{end}}", "n"},
	{"{{or `` `x`}} {{and `a` ``}}", "x "},
	{"{{and false (index `abc` 9)}}", "false"},
	{"{{not true}} {{len `abc`}} {{index .list 1}}", "false 3 two"},
	{"{{.Name}} {{.deep.er}} {{$.Name}}", "kiln 7 kiln"},
	{"{{.Nope}} {{.Nope.Deeper}}", "<no value> <no value>"},
	{"{{range .list}}[{{.}}]{{end}}", "[one][two]"},
	{"{{range $i, $x := .list}}{{$i}}={{$x}},{{end}}", "0=one,1=two,"},
	{"{{range .none}}x{{else}}empty{{end}}", "empty"},
	{"{{range .list}}{{.}}{{break}}{{end}}", "one"},
	{"{{range .list}}{{if eq . `one`}}{{continue}}{{end}}{{.}}{{end}}", "two"},
	{"{{with .Name}}{{.}}{{end}}{{with .Nope}}x{{else}}-{{end}}", "kiln-"},
	{"{{$x := `a`}}{{$x}}{{$x = `b`}}{{$x}}", "ab"},
	{"{{$x := `a`}}{{if true}}{{$x := `b`}}{{$x}}{{end}}{{$x}}", "ba"},
	{"{{define `t`}}<{{.}}>{{end}}{{template `t` .Name}}", "<kiln>"},
	{"{{block `t` `v`}}[{{.}}]{{end}}", "[v]"},
	{"{{printf `%s-%03d-%v-%q` `a` 7 true `b`}}", "a-007-true-\"b\""},
	{"{{printf `%5s|%-5s|%x|%X|%c|%U` `a` `b` 255 `hi` 65 233}}",
		"    a|b    |ff|6869|A|U+00E9"},
	{"{{printf `%d` `x`}} {{printf `%s`}} {{printf `a` 1}} {{printf `%d%%` 5}}",
		"%!d(string=x) %!s(MISSING) a%!(EXTRA int=1) 5%"},
	{"{{printf `%.2f %g %6.1f` 3.14159 1.5 2.25}}", "3.14 1.5    2.2"},
	{"{{print `a` 1 2 `b`}} {{println `a` 1}}", "a1 2b a 1\n"},
	{"{{html `<a href=\"x\">'&`}}", "&lt;a href=&#34;x&#34;&gt;&#39;&amp;"},
	{"{{js `it's \"x\"`}} {{urlquery `a b&c/d`}}", "it\\'s \\\"x\\\" a+b%26c%2Fd"},
	{"{{1.5}} {{1e3}} {{0x10}} {{'a'}} {{1_000}} {{0b11}} {{0o17}}",
		"1.5 1000 16 97 1000 3 15"},
	{"{{lt 1 2}} {{le 2 2}} {{gt `a` `b`}} {{ge 2.5 2.5}} {{eq 1 2 3 1}}",
		"true true false true true"},
	{"{{slice `abcdef` 1 3}}", "bc"},
	{"{{.deep}} {{.list}}", "map[er:7] [one two]"},
	{"{{\n  upper\n  `a`\n}}", "A"},
	{"{{repeat 3 `ab`}}", "ababab"},
	{"{{(join `a`)}}", "a"},
	/* errors, in our own words */
	{"{{nofunc}}", "error: there is no function \"nofunc\""},
	{"{{user `x`", "error: an action ({{) is not closed (}})"},
	{"{{user}}", "error: user needs 1 argument, got 0"},
	{"{{upper 5}}", "error: upper needs a string, not int"},
	{"{{repeat `x` `y`}}", "error: repeat needs a whole number, not string"},
	{"{{user `nope`}}", "error: user: variable not set: nope"},
	{"{{if}}x{{end}}", "error: a value is missing if"},
	{"{{if true}}x", "error: {{if}} without {{end}}"},
	{"{{end}}", "error: unexpected {{end}}"},
	{"{{$x}}", "error: the variable $x is not defined"},
	{"{{if true}}{{$y := 1}}{{end}}{{$y}}", "error: the variable $y is not defined"},
	{"{{`a", "error: a raw string (`) has no end"},
	{"{{\"a", "error: a quoted string has no end"},
	{"{{1e1_000}}", "error: bad number '1e1000'"},
	/* found against the real packer: tests/fuzz/differential */
	{"{{1__0}}", "error: bad number '10'"},
	{"{{1_}}", "error: bad number '1'"},
	{"{{0x_1F}} {{1_000}}", "31 1000"},
	{"{{`v`(`w`)}}", "error: unexpected '(' behind an operand"},
	{"{{if false}}{{$y = 1}}{{$y}}{{end}}", ""},
	{"{{printf `%*d` -9223372036854775808 1}}", "%!(BADWIDTH)1"},
	{"{{/**/ }}", "error: a comment ends before its action does"},
	{"a {{- /* c */ -}} b{{/**/}}", "ab"},
	{"{{/*/}}", "error: a comment (/*) has no end"},
	{"{{if false}}{{nil}}{{end}}", ""},
	{"{{define `t`}}a{{end}}{{define `t`}}b{{end}}",
		"error: the template \"t\" is defined twice"},
	{"{{define `t`}} {{end}}{{define `t`}}b{{end}}{{define `t`}}{{end}}{{template `t`}}", "b"},
	{"{{block\"u\" 1}}x{{end}}", "error: there is no function \"block\""},
	{"{{$y = 1}}", "error: the variable $y is not defined"},
	{"{{printf `% +.`}}|{{printf `%5.`}}", "%!.(MISSING)|%!.(MISSING)"},
	{"{{08}}", "error: bad number '08'"},
	{"{{print 9223372036854775808}}", "error: bad number '9223372036854775808'"},
	{"{{$x := print $x}}", "error: the variable $x has no value yet"},
	{"{{if true}}{{define `t`}}{{end}}{{end}}",
		"error: {{define}} inside of another action: it stands by itself"},
	{"{{`a`|}}{{(`b` | )}}", "ab"},
	{"{{1 | | 2}}", "error: a value is missing in an action"},
	{"{{repeat 2.0 `ab`}}", "abab"},
	{"{{print 1e5}} {{print 1e6}} {{print 123456789.0}} {{1e3}}",
		"100000 1e+06 1.23456789e+08 1000"},
	{"{{printf `%d|%T` 1e3 1e3}}", "%!d(float64=1000)|float64"},
	{"{{printf `%*`}}|{{printf `%*d` `a` 1}}|{{printf `%.*s` -1 `ab`}}|{{printf `%-*d|%*d` 3 1 "
	 "-3 1}}",
		"%!(BADWIDTH)%!(NOVERB)|%!(BADWIDTH)1|%!(BADPREC)ab|1  |1  "},
	{"{{printf `%[2]d %[1]d|%[3]d|%[x]d|%[1]*d` 1 2}}", "2 1|%!d(BADINDEX)|%!d(BADINDEX)|2"},
	{"{{printf `%#.g` `ab`}}|{{printf `%5.1U` `ab`}}|{{printf `%.2T` `a`}}",
		"%!g(string=)|%!U(string=    a)|st"},
	{"{{printf `%x|%#x|% X|%# x|%.1x|%5x|%-5x|` `ab` `ab` `ab` `ab` `ab` `a` `a`}}",
		"6162|0x6162|61 62|0x61 0x62|61|   61|61   |"},
	{"{{printf `%q %+q %#q %#U %U %c` `a\\` `é` `ab` 233 10 233}}",
		"\"a\\\\\" \"\\u00e9\" `ab` U+00E9 'é' U+000A é"},
	{"{{printf `%q %q %O %#o %#b %08b % d %+d %.0d|` 'x' '\\'' 8 8 5 5 5 5 0}}",
		"'x' '\\'' 0o10 010 0b101 00000101  5 +5 |"},
	{"{{printf `%g %G %x %X %b` 1e20 1e-7 1.5 -0.1 1.5}}",
		"1e+20 1E-07 0x1.8p+00 -0X1.999999999999AP-04 6755399441055744p-52"},
	{"{{printf `%.3g %.10g %#g %#.3g %#v %+.1f % f %08.2f` 1234.5 1e9 1.5 2.0 1e6 2.5 1.0 "
	 "-1.5}}",
		"1.23e+03 1000000000 1.50000 2.00 1e+06 +2.5  1.000000 -0001.50"},
	{"{{printf `%.20x %.15X %.3g|%.999999g` 1.5 1.5 1e9 1.5}}",
		"0x1.80000000000000000000p+00 0X1.800000000000000P+00 1e+09|1.5"},
	{"{{len (printf `%.2000f` 0.1)}} {{printf `%.1103f` 5e-324 | printf `%.40s`}} "
	 "{{len (printf `%.2000e` 0.1)}} {{printf `%.2000f` (printf `a`)}}",
		"2002 0.00000000000000000000000000000000000000 2006 "
		"%!f(string=a)"},
	{"{{printf `%é` 1}} {{printf `%s %d` nil true}}", "%!é(int=1) %!s(<nil>) %!d(bool=true)"},
	{"{{nil}}", "error: nil is no command"},
	{"{{1 | 2}}", "error: only a function can stand behind '|'"},
	{"{{eq 1 `a`}}", "error: eq: a int does not compare with a string"},
	{"{{.Name.Deeper}}", "error: a string has no field Deeper"},
	{"{{template `x`}}", "error: there is no template \"x\""},
	{"{{define `t`}}{{template `t`}}{{end}}{{template `t`}}",
		"error: template \"t\" is nested too deep"},
	{"{{break}}", "error: {{break}} outside of {{range}}"},
	{"{{/* x", "error: a comment (/*) has no end"},
	{"{{a:b}}", "error: there is no function \"a\""},
	{"{{}}", "error: a value is missing in an action"},
	{"{{upper `a` ]}}", "error: unexpected ']' in an action"},
};

static void keeps(void)
{
	struct gotemplate_options options = {.find = find, .keep_fields = true};

	CHECK_TEXT(render_with("a{{timestamp}}b{{user `c`}}", &options), "a{{timestamp}}b<c>",
		"a kept function stays as it is written");
	CHECK_TEXT(render_with("{{ timestamp | upper }}-{{upper `x`}}", &options),
		"{{ timestamp | upper }}-X", "so does the whole action it stands in");
	CHECK_TEXT(
		render_with("{{if eq timestamp `1`}}a{{upper `b`}}{{end}}{{upper `c`}}", &options),
		"{{if eq timestamp `1`}}a{{upper `b`}}{{end}}C", "and the whole block");
	CHECK_TEXT(render_with("{{$t := timestamp}}{{$t}}{{upper `c`}}", &options),
		"{{$t := timestamp}}{{$t}}{{upper `c`}}",
		"a variable made of it keeps the whole template");
	CHECK_TEXT(render_with("{{.HTTPIP}}:{{ .HTTPPort }}/{{upper `c`}}", &options),
		"{{.HTTPIP}}:{{ .HTTPPort }}/C", "fields are kept where asked");
	struct gotemplate_options strict = {.find = find, .data = data, .strict_fields = true};
	CHECK_TEXT(render_with("{{.Nope}}", &strict), "error: there is no field .Nope here",
		"an unknown field is an error where the data are a struct");
	struct gotemplate_options bare = {.find = find};
	CHECK_TEXT(
		render_with("{{.Foo}}", &bare), "<no value>", "without data a field has no value");
}

static void bounds(void)
{
	struct gotemplate_options options = {.find = find};
	struct text bomb = {0};

	for (int i = 0; i < 2 * GOTEMPLATE_DEPTH_MOST; i++)
		text_add(&bomb, i ? "(" : "{{");
	CHECK(strstr(render_with(text_get(&bomb), &options), "nested too deep"),
		"parentheses without end are refused");
	text_clear(&bomb);
	CHECK_TEXT(render_with("{{repeat 20000000 `x`}}", &options),
		"error: its functions get and give more than 16777216 bytes",
		"so is a function's result without end");
	text_add(&bomb, "{{$x := `xxxxxxxx`}}");
	for (int i = 0; i < 40; i++)
		text_add(&bomb, "{{$x = print $x $x}}");
	CHECK_TEXT(render_with(text_get(&bomb), &options),
		"error: its functions get and give more than 16777216 bytes",
		"so is a text that doubles");
	text_reset(&bomb);
	for (int i = 0; i < 60; i++)
		text_addf(&bomb, "{{define `%d`}}{{template `%d`}}{{template `%d`}}{{end}}", i,
			i + 1, i + 1);
	text_add(&bomb, "{{define `60`}}{{end}}{{template `0`}}");
	CHECK_TEXT(render_with(text_get(&bomb), &options),
		"error: it takes more than 1000000 steps", "so are templates that double");
	text_reset(&bomb);
	for (int i = 0; i < 2000; i++)
		text_addf(&bomb, "{{define `%d`}}{{end}}", i);
	CHECK_TEXT(render_with(text_get(&bomb), &options),
		"error: it defines more than 1000 templates", "so are very many templates");
	text_reset(&bomb);
	for (int i = 0; i < 2000; i++)
		text_addf(&bomb, "{{$a%d := 1}}", i);
	CHECK_TEXT(render_with(text_get(&bomb), &options), "error: it has more than 1000 variables",
		"so are very many variables");
	text_reset(&bomb);
	text_add(&bomb, "{{print");
	for (int i = 0; i < 200000; i++)
		text_add(&bomb, " 1");
	text_add(&bomb, "}}");
	CHECK_TEXT(render_with(text_get(&bomb), &options), "error: it has more than 100000 parts",
		"so are very many operands");
	text_clear(&bomb);
}

static void count_call(void *context, const char *function, const char *argument)
{
	text_addf(context, "%s(%s) ", function, argument);
}

static void visits(void)
{
	struct gotemplate_options options = {.find = find};
	struct text seen = {0};
	struct error err;

	CHECK(gotemplate_visit_calls(
		      "{{user `a`}}{{if eq (user `b`) timestamp}}{{user `c` | upper}}{{end}}",
		      &options, count_call, &seen, &err) == 0,
		"a template can be looked into");
	CHECK_TEXT(
		text_get(&seen), "user(a) user(b) user(c) ", "every call with a literal is seen");
	text_clear(&seen);
}

int main(void)
{
	static const char text[] =
		"{\"Name\":\"kiln\",\"list\":[\"one\",\"two\"],\"deep\":{\"er\":7},\"none\":[]}";
	struct error err;

	if (json_parse_bytes(text, sizeof(text) - 1, &data, &err) < 0)
		return 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CHECK_TEXT(render(rows[i].template), rows[i].wanted, "%s",
			*rows[i].template && !strchr(rows[i].template, '\n') ? rows[i].template
									     : "(other)");
	keeps();
	bounds();
	visits();
	json_free(data);
	return check_done();
}
