/* SPDX-License-Identifier: Apache-2.0 */
/* kiln, the command line. */

#include <string.h>

#include "base/nearest.h"
#include "reconciler/cli/cli.h"

#ifndef KILN_VERSION
#define KILN_VERSION "unknown"
#endif

static int print_version(bool as_json)
{
	printf(as_json ? "{\"version\":\"%s\"}\n" : "kiln %s\n", KILN_VERSION);
	return 0;
}

static int unknown_verb(const char *name)
{
	const char *names[64];
	size_t count = 0;

	for (; cli_verbs[count]; count++)
		names[count] = cli_verbs[count]->name;
	const char *near = nearest_name(name, names, count);
	cli_complain("there is no verb %s%s%s%s (kiln help lists them)", name,
		near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
	return 2;
}

static int help(int argc, char **argv)
{
	if (argc < 1) {
		cli_print_verbs();
		return 0;
	}
	const struct cli_verb *verb = cli_find(argv[0]);
	if (!verb)
		return unknown_verb(argv[0]);
	cli_print_help(verb);
	return 0;
}

static int run_verb(const struct cli_verb *verb, int argc, char **argv)
{
	struct session session = {.verb = verb};
	struct error err;
	bool wants_help = false;
	int code;

	if (cli_parse(&session, argc, argv, &wants_help, &err) < 0) {
		cli_complain("%s", err.text);
		code = 2;
	} else if (wants_help) {
		cli_print_help(verb);
		code = 0;
	} else if (verb->prepare && verb->prepare(session.arguments, session.as_json, &err) < 0) {
		cli_complain("%s", err.text);
		code = 2;
	} else {
		code = verb->run ? verb->run(&session) : cli_ask(&session);
	}
	json_free(session.arguments);
	if (fflush(stdout) != 0) {
		cli_complain("cannot write to standard output");
		return code ? code : 1;
	}
	return code;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (!*word) {
		cli_print_verbs();
		return 2;
	}
	if (strcmp(word, "help") == 0)
		return help(argc - 2, argv + 2);
	if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
		return help(0, NULL);
	if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0)
		return print_version(argc > 2 && strcmp(argv[2], "--json") == 0);
	const struct cli_verb *verb = cli_find(word);
	if (!verb)
		return unknown_verb(word);
	return run_verb(verb, argc - 2, argv + 2);
}
