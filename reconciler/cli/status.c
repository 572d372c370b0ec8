/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include "reconciler/cli/table.h"
#include "reconciler/cli/verbs.h"

static void show(struct session *session, const struct json *answer)
{
	const struct json *images = json_get(answer, "images");
	CLEANUP(table_clear) struct table table = {.columns = 7};

	(void)session;
	TABLE_ROW(&table, "IMAGE", "PHASE", "LIVE", "COMMIT", "SINCE", "NEXT", "REASON");
	for (size_t i = 0; i < json_count(images); i++) {
		const struct json *image = json_item(images, i);
		bool held = json_get_boolean(image, "held", false);
		TABLE_ROW(&table, json_get_text(image, "name", ""),
			held ? "held" : json_get_text(image, "phase", ""),
			cli_number(image, "live"), cli_short(json_get_text(image, "commit", NULL)),
			json_get_text(image, "since", NULL), json_get_text(image, "next", NULL),
			json_get_text(image, "reason", NULL));
	}
	if (json_count(images))
		table_print(&table);
	else
		printf("nothing was ever applied\n");
}

const struct cli_verb cli_status = {
	.name = "status",
	.synopsis = "",
	.summary = "show how each image is: its newest build, what is live, what is next",
	.words = CLI_NOTHING,
	.show = show,
};
