/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include <inttypes.h>

#include "reconciler/cli/verbs.h"

static void show(struct session *session, const struct json *answer)
{
	const struct json *reasons = json_get(answer, "reasons");
	const struct json *previous = json_get(answer, "previous");

	(void)session;
	printf("%s@%" PRId64 " was built from commit %s", json_get_text(answer, "image", ""),
		json_get_integer(answer, "version", 0),
		cli_short(json_get_text(answer, "commit", NULL)));
	if (previous)
		printf(", after version %" PRId64 " from %s",
			json_get_integer(previous, "version", 0),
			cli_short(json_get_text(previous, "commit", NULL)));
	printf("\n");
	for (size_t i = 0; i < json_count(reasons); i++) {
		const struct json *reason = json_item(reasons, i);
		printf("  %-11s %s\n", json_get_text(reason, "kind", ""),
			json_get_text(reason, "text", ""));
	}
}

const struct cli_verb cli_why = {
	.name = "why",
	.synopsis = "IMAGE[@N]",
	.summary = "tell why a version was built",
	.words = CLI_LIST,
	.least = 1,
	.most = 1,
	.first = "image",
	.show = show,
};
