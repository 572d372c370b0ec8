/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include <string.h>

#include "reconciler/cli/table.h"
#include "reconciler/cli/verbs.h"

static void show_check(const struct json *check)
{
	bool ok = json_get_boolean(check, "ok", false);
	bool needed = json_get_boolean(check, "needed", false);

	printf("%-7s %-15s %s\n",
		ok       ? "ok"
		: needed ? "FAILED"
			 : "missing",
		json_get_text(check, "name", ""), json_get_text(check, "text", ""));
	if (!ok)
		printf("%23s %s\n", "->", json_get_text(check, "fix", ""));
}

static void show_texts(const struct json *list, const char *before)
{
	for (size_t i = 0; i < json_count(list); i++)
		printf("    %s%s\n", before, json_text(json_item(list, i), ""));
}

static void show_left(const struct json *left)
{
	const struct json *makes = json_get(left, "makes");

	printf("  build %s of %s, begun %s: %s\n", json_get_text(left, "build", ""),
		json_get_text(left, "image", "?"), json_get_text(left, "since", ""),
		json_get_text(left, "why", ""));
	for (size_t i = 0; i < json_count(makes); i++) {
		const struct json *made = json_item(makes, i);
		printf("    %s:", json_get_text(made, "plugin", ""));
		json_each_member (member, json_get(made, "where"))
			printf(" %s=%s", member.key, json_text(member.value, ""));
		printf("\n");
	}
	show_texts(json_get(left, "made"), "made: ");
	show_texts(json_get(left, "said"), "said: ");
	printf("    %s\n", json_get_text(left, "names", ""));
}

static void show_elsewhere(const struct json *list)
{
	if (json_count(list))
		printf("\nwhat packer may have left elsewhere (once it is removed there: kiln gc "
		       "--forget BUILD):\n");
	for (size_t i = 0; i < json_count(list); i++)
		show_left(json_item(list, i));
}

static void show_options(const struct json *backend)
{
	const struct json *options = json_get(backend, "options");

	for (size_t i = 0; i < json_count(options); i++) {
		const struct json *option = json_item(options, i);
		const char *fallback = json_get_text(option, "default", NULL);
		const char *power = json_get_text(option, "power", NULL);
		const char *help = json_get_text(option, "help", NULL);
		printf("  %-28s %s", json_get_text(option, "name", ""),
			json_get_text(option, "type", ""));
		if (fallback && *fallback)
			printf(", %s", fallback);
		if (power)
			printf(", needs %s", power);
		printf("%s%s\n", help ? ": " : "", help ? help : "");
	}
}

static void show(struct session *session, const struct json *answer)
{
	const struct json *checks = json_get(answer, "checks");
	const struct json *backends = json_get(answer, "backends");
	const struct json *powers = json_get(answer, "powers");

	(void)session;
	for (size_t i = 0; i < json_count(checks); i++)
		show_check(json_item(checks, i));
	show_elsewhere(json_get(answer, "elsewhere"));
	if (powers)
		printf("\npowers that a repository can be allowed:\n");
	for (size_t i = 0; i < json_count(powers); i++)
		printf("  %-15s %s\n", json_get_text(json_item(powers, i), "name", ""),
			json_get_text(json_item(powers, i), "help", ""));
	for (size_t i = 0; i < json_count(backends); i++) {
		const struct json *backend = json_item(backends, i);
		printf("%s %s%s\n", json_get_text(backend, "kind", ""),
			json_get_text(backend, "name", ""),
			json_get_boolean(backend, "native", false) ? "" : " (kiln has no driver)");
		show_options(backend);
	}
}

static const struct cli_flag flags[] = {
	{"backends", NULL, false,
		"print what is known of every builder, provisioner and post-processor"},
	{0},
};

const struct cli_verb cli_doctor = {
	.name = "doctor",
	.synopsis = "[--backends]",
	.summary = "tell what can run here, what is missing, and how the state is",
	.details = "Exit 1 if something that kiln cannot do without is wrong.",
	.words = CLI_NOTHING,
	.flags = flags,
	.show = show,
};
