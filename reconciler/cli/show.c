/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include <inttypes.h>

#include "reconciler/cli/table.h"
#include "reconciler/cli/verbs.h"

static const char *find_mark(const struct json *version)
{
	if (json_get_boolean(version, "quarantined", false))
		return "quarantined";
	return json_get_boolean(version, "held", false) ? "held" : "";
}

static void show_versions(const struct json *versions)
{
	CLEANUP(table_clear) struct table table = {.columns = 6};

	TABLE_ROW(&table, "VERSION", "PHASE", "COMMIT", "CREATED", "DIGEST", "");
	for (size_t i = 0; i < json_count(versions); i++) {
		const struct json *version = json_item(versions, i);
		TABLE_ROW(&table, cli_number(version, "version"),
			json_get_text(version, "phase", ""),
			cli_short(json_get_text(version, "commit", NULL)),
			json_get_text(version, "created", NULL),
			cli_short(json_get_text(version, "digest", NULL)), find_mark(version));
	}
	if (json_count(versions)) {
		printf("\n");
		table_print(&table);
	}
}

static void show_builds(const struct json *builds)
{
	CLEANUP(table_clear) struct table table = {.columns = 5};

	TABLE_ROW(&table, "BUILD", "PHASE", "COMMIT", "STARTED", "ERROR");
	for (size_t i = 0; i < json_count(builds); i++) {
		const struct json *build = json_item(builds, i);
		TABLE_ROW(&table, json_get_text(build, "build", ""),
			json_get_text(build, "phase", ""),
			cli_short(json_get_text(build, "commit", NULL)),
			json_get_text(build, "started", NULL), json_get_text(build, "error", ""));
	}
	if (json_count(builds)) {
		printf("\n");
		table_print(&table);
	}
}

static void show(struct session *session, const struct json *answer)
{
	(void)session;
	printf("%s of %s%s\n", json_get_text(answer, "name", ""),
		json_get_text(answer, "repository", ""),
		json_get_boolean(answer, "held", false) ? ", held" : "");
	json_each_member (channel, json_get(answer, "channels"))
		printf("  %s is version %" PRId64 "\n", channel.key,
			json_integer(channel.value, 0));
	show_versions(json_get(answer, "versions"));
	show_builds(json_get(answer, "builds"));
}

const struct cli_verb cli_show = {
	.name = "show",
	.synopsis = "IMAGE[@N]",
	.summary = "show an image: its channels, versions and builds",
	.words = CLI_LIST,
	.least = 1,
	.most = 1,
	.first = "image",
	.show = show,
};
