/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include "reconciler/cli/verbs.h"

static int prepare(struct json *arguments, bool as_json, struct error *err)
{
	(void)err;
	json_set_bool(arguments, "text", !as_json);
	return 0;
}

static void show(struct session *session, const struct json *answer)
{
	(void)session;
	fputs(json_get_text(answer, "text", ""), stdout);
}

static const struct cli_flag flags[] = {
	{"at", "REV", false, "at this revision, not the one that is followed"},
	{0},
};

const struct cli_verb cli_inputs = {
	.name = "inputs",
	.synopsis = "IMAGE [--at REV]",
	.summary = "print the closure of an image: every input that decides it",
	.details = "The SHA-256 of what is printed is the image's identity.",
	.words = CLI_LIST,
	.least = 1,
	.most = 1,
	.first = "image",
	.flags = flags,
	.prepare = prepare,
	.show = show,
};
