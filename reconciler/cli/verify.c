/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include <inttypes.h>

#include "reconciler/cli/verbs.h"

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
	printf("%" PRId64 " events, %" PRId64 " manifests, %" PRId64 " artifacts: %zu faults\n",
		json_get_integer(answer, "events", 0), json_get_integer(answer, "manifests", 0),
		json_get_integer(answer, "artifacts", 0), json_count(faults));
}

static const struct cli_flag flags[] = {
	{"deep", NULL, false, "read and digest the artifacts and kept downloads too"},
	{0},
};

const struct cli_verb cli_verify = {
	.name = "verify",
	.synopsis = "[--deep]",
	.summary = "compute the chain of events, manifests and channels again",
	.details = "Exit 1 if something differs; the first thing printed is the first that was "
		   "changed.",
	.words = CLI_NOTHING,
	.flags = flags,
	.show = show,
};
