/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include <inttypes.h>

#include "reconciler/cli/verbs.h"

static void show_side(char sign, const struct json *side)
{
	printf("%c%c%c %s@%" PRId64 " %s\n", sign, sign, sign, json_get_text(side, "image", ""),
		json_get_integer(side, "version", 0), json_get_text(side, "closure", ""));
}

static void show_line(char sign, const struct json *line, const char *value)
{
	if (value)
		printf("%c%s %s %s\n", sign, json_get_text(line, "kind", ""),
			json_get_text(line, "key", ""), value);
}

static void show(struct session *session, const struct json *answer)
{
	const struct json *lines = json_get(answer, "lines");

	(void)session;
	if (!json_count(lines))
		return;
	show_side('-', json_get(answer, "from"));
	show_side('+', json_get(answer, "to"));
	for (size_t i = 0; i < json_count(lines); i++) {
		const struct json *line = json_item(lines, i);
		show_line('-', line, json_get_text(line, "old", NULL));
		show_line('+', line, json_get_text(line, "new", NULL));
	}
}

const struct cli_verb cli_diff = {
	.name = "diff",
	.synopsis = "IMAGE@N IMAGE@M",
	.summary = "compare the closures of two versions",
	.details = "Nothing is printed where they are equal.",
	.words = CLI_LIST,
	.least = 2,
	.most = 2,
	.show = show,
};
