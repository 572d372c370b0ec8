/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include "reconciler/cli/verbs.h"

static void show_log(struct session *session, const struct json *line)
{
	CLEANUP(text_clear) struct text text = {0};

	if (!session->as_json) {
		printf("%s\n", json_get_text(line, "text", ""));
		return;
	}
	json_write(line, JSON_LINE, &text);
	puts(text_get(&text));
}

static const struct cli_flag flags[] = {
	{"f", NULL, false, "go on while the build does"},
	{0},
};

const struct cli_verb cli_log = {
	.name = "log",
	.synopsis = "IMAGE or BUILD [-f]",
	.summary = "print what a build said",
	.words = CLI_LIST,
	.least = 1,
	.most = 1,
	.first = "image",
	.flags = flags,
	.show_log = show_log,
};
