/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include <inttypes.h>

#include "reconciler/cli/verbs.h"

/* What every build has another way. */
static void show_cold(const struct json *cold)
{
	const struct json *varies = json_get(cold, "varies");

	if (!cold)
		return;
	for (size_t i = 0; i < json_count(varies); i++)
		printf("differs in every build: %s\n",
			json_get_text(json_item(varies, i), "path", ""));
	printf("%s@%" PRId64 " of %s, built anew: %" PRId64
	       " files compared, %zu differ in every build\n",
		json_get_text(cold, "image", ""), json_get_integer(cold, "version", 0),
		cli_short(json_get_text(cold, "commit", NULL)), json_get_integer(cold, "files", 0),
		json_count(varies));
}

static void show(struct session *session, const struct json *answer)
{
	const struct json *faults = json_get(answer, "faults");

	(void)session;
	for (size_t i = 0; i < json_count(faults); i++) {
		const struct json *fault = json_item(faults, i);
		const char *expected = json_get_text(fault, "expected", NULL);
		const char *found = json_get_text(fault, "found", NULL);
		printf("%s: %s: expected %s, found %s\n", json_get_text(fault, "kind", ""),
			json_get_text(fault, "where", ""), expected ? expected : "nothing",
			found ? found : "nothing");
	}
	show_cold(json_get(answer, "cold"));
	printf("%" PRId64 " events, %" PRId64 " manifests, %" PRId64 " artifacts: %zu faults\n",
		json_get_integer(answer, "events", 0), json_get_integer(answer, "manifests", 0),
		json_get_integer(answer, "artifacts", 0), json_count(faults));
}

static int prepare(struct json *arguments, bool as_json, struct error *err)
{
	(void)as_json;
	return cli_read_variables(arguments, err);
}

static const struct cli_flag flags[] = {
	{"deep", NULL, false, "read and digest the artifacts and kept downloads too"},
	{"cold", "IMAGE", false,
		"build IMAGE (or IMAGE@N) once more without checkpoints, and compare it with what "
		"is published"},
	{"allow", "POWER", true, "with --cold: as it was granted to apply"},
	{"var", "NAME=VALUE", true, "with --cold: a variable, as apply had it"},
	{"var-file", "FILE", true, "with --cold: a file of variables, likewise"},
	{0},
};

const struct cli_verb cli_verify = {
	.name = "verify",
	.synopsis = "[--deep] [--cold IMAGE] [--allow POWER] [-var NAME=VALUE] [-var-file FILE]",
	.summary = "compute the chain of events, manifests and channels again",
	.details = "Exit 1 if something differs; the first thing printed is the first that was "
		   "changed. "
		   "What differs from build to build anyway is told by a second build, and is no "
		   "fault.",
	.words = CLI_NOTHING,
	.flags = flags,
	.prepare = prepare,
	.show = show,
};
