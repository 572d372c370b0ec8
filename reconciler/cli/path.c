/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include "reconciler/cli/verbs.h"

static void show(struct session *session, const struct json *answer)
{
	(void)session;
	puts(json_get_text(answer, "path", ""));
}

const struct cli_verb cli_path = {
	.name = "path",
	.synopsis = "IMAGE[@N or @CHANNEL]",
	.summary = "print where an artifact's file is, for scripts",
	.details = "Of an artifact of several files it is their folder.",
	.words = CLI_LIST,
	.least = 1,
	.most = 1,
	.first = "image",
	.show = show,
};
