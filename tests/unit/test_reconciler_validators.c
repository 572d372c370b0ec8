/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of `validate`: what is taken, and what is said of what is not. */
#include "reconciler/validators.h"

#include "tests/unit/check.h"

static const struct {
	const char *entry, *error; /* error NULL: it is taken; otherwise a part of what is said */
} cases[] = {
	{"{\"type\": \"boot\"}", NULL},
	{"{\"type\": \"boot\", \"serial\": \"login: $\", \"timeout\": \"5m\"}", NULL},
	{"{\"type\": \"boot\", \"port\": 22, \"memory\": 10, \"cpus\": 255}", NULL},
	{"{\"type\": \"boot\", \"inline\": [\"true\"], \"expect\": \"^a|b$\"}", NULL},
	{"{\"type\": \"boot\", \"inline\": []}", "inline must be a list of commands"},
	{"{\"type\": \"boot\", \"inline\": \"true\"}", "inline must be a list of commands"},
	{"{\"type\": \"boot\", \"inline\": [1]}", "inline must be a list of commands"},
	{"{\"type\": \"boot\", \"expect\": \"x\"}", "expect is about what inline's commands say"},
	{"{\"type\": \"boot\", \"serial\": \"\"}", "serial must be a regular expression"},
	{"{\"type\": \"boot\", \"serial\": 7}", "serial must be a regular expression"},
	{"{\"type\": \"boot\", \"serial\": \"a(\"}", "serial: 'a(' is no regular expression: "},
	{"{\"type\": \"boot\", \"inline\": [\"a\"], \"expect\": \"[\"}",
		"expect: '[' is no regular expression: "},
	{"{\"type\": \"boot\", \"port\": 0}", "port must be a number from 1 to 65535"},
	{"{\"type\": \"boot\", \"port\": \"22\"}", "port must be a number from 1 to 65535"},
	{"{\"type\": \"boot\", \"memory\": 9}", "memory must be a number from 10 to"},
	{"{\"type\": \"boot\", \"cpus\": 0}", "cpus must be a number from 1 to 255"},
	{"{\"type\": \"boot\", \"timeout\": \"1\"}", "timeout must be a duration"},
	{"{\"type\": \"boot\", \"seriel\": \"x\"}", "unknown key seriel (did you mean serial?)"},
	{"{\"type\": \"boots\"}", "there is no validator boots (did you mean boot?)"},
	{"{\"type\": \"run\", \"inline\": [\"true\"], \"timeout\": \"1h\"}", NULL},
	{"{\"type\": \"run\"}", "inline must be a list of commands"},
	{"{\"type\": \"run\", \"inline\": [\"true\"], \"port\": 1}", "unknown key port"},
	{"{\"type\": \"checksum\", \"sha256\": \"ab\"}", "sha256 must be 64 hexadecimal digits"},
	{"[]", "must be an object with a type"},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct json *entry = NULL;
		struct error err = {0};
		json_parse_bytes(cases[i].entry, strlen(cases[i].entry), &entry, &err);
		enum reason_kind kind = validator_check(entry, &err);
		if (!cases[i].error)
			CHECK(kind == REASON_NONE, "%s is taken", cases[i].entry);
		else if (!CHECK(kind == REASON_INVALID && strstr(err.text, cases[i].error),
				 "%s: %s", cases[i].entry, cases[i].error))
			printf("# got: %s\n", err.text);
		json_free(entry);
	}
	return check_done();
}
