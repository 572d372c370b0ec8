/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include <inttypes.h>

#include "reconciler/cli/table.h"
#include "reconciler/cli/verbs.h"

/* "current=3 stable=2" */
static void write_channels(const struct json *channels, struct text *text)
{
	json_each_member (member, channels)
		text_addf(text, "%s%s=%" PRId64, text->size ? " " : "", member.key,
			json_integer(member.value, 0));
}

static void show(struct session *session, const struct json *answer)
{
	const struct json *images = json_get(answer, "images");
	CLEANUP(table_clear) struct table table = {.columns = 4};

	(void)session;
	TABLE_ROW(&table, "IMAGE", "LIVE", "VERSIONS", "CHANNELS");
	for (size_t i = 0; i < json_count(images); i++) {
		const struct json *image = json_item(images, i);
		CLEANUP(text_clear) struct text channels = {0};
		write_channels(json_get(image, "channels"), &channels);
		TABLE_ROW(&table, json_get_text(image, "name", ""), cli_number(image, "live"),
			cli_number(image, "versions"), channels.size ? text_get(&channels) : NULL);
	}
	if (json_count(images))
		table_print(&table);
	else
		printf("nothing is published yet\n");
}

const struct cli_verb cli_list = {
	.name = "list",
	.synopsis = "",
	.summary = "list what is published",
	.words = CLI_NOTHING,
	.show = show,
};
