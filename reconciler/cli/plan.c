/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include <string.h>

#include "reconciler/cli/verbs.h"

/* Images that nobody has to look at are counted, the others listed. */
static bool is_quiet(const char *action)
{
	return strcmp(action, "unchanged") == 0;
}

static void show_image(const struct json *image)
{
	const struct json *reasons = json_get(image, "reasons");

	printf("  %-12s %s\n", json_get_text(image, "action", ""),
		json_get_text(image, "name", ""));
	for (size_t i = 0; i < json_count(reasons); i++) {
		const struct json *reason = json_item(reasons, i);
		printf("      %-11s %s\n", json_get_text(reason, "kind", ""),
			json_get_text(reason, "text", ""));
	}
}

/* Whether something would be done: the actions that reconciler/plan.c calls work. */
static bool is_work(const char *action)
{
	return strcmp(action, "create") == 0 || strcmp(action, "rebuild") == 0 ||
	       strcmp(action, "switch") == 0;
}

static long work; /* images that something would be done with */

static void count_work(struct session *session, const struct json *plan)
{
	(void)session;
	const struct json *images = json_get(plan, "images");

	for (size_t i = 0; i < json_count(images); i++)
		work += is_work(json_get_text(json_item(images, i), "action", ""));
}

static void show(struct session *session, const struct json *plan)
{
	const struct json *images = json_get(plan, "images");
	int64_t unchanged = json_get_integer(plan, "unchanged", 0);

	(void)session;
	if (json_has(plan, "from"))
		printf("%s %s..%s\n", json_get_text(plan, "repository", ""),
			cli_short(json_get_text(plan, "from", NULL)),
			cli_short(json_get_text(plan, "to", NULL)));
	else
		printf("%s at %s\n", json_get_text(plan, "repository", ""),
			cli_short(json_get_text(plan, "commit", NULL)));
	for (size_t i = 0; i < json_count(images); i++) {
		const struct json *image = json_item(images, i);
		if (is_quiet(json_get_text(image, "action", "")))
			unchanged++;
		else
			show_image(image);
	}
	if (unchanged)
		printf("  %lld unchanged\n", (long long)unchanged);
}

static int prepare(struct json *arguments, bool as_json, struct error *err)
{
	(void)as_json;
	if (json_has(arguments, "range") && json_has(arguments, "at"))
		return fail(err, ERROR_CATALOG,
			"a range has two ends of its own: --at says nothing more");
	if (json_has(arguments, "range") && json_has(arguments, "images"))
		return fail(err, ERROR_CATALOG, "a range compares all images: name none");
	return 0;
}

static int finish(struct session *session, int code)
{
	if (code == 0 && json_get_boolean(session->arguments, "detailed-exitcode", false) && work)
		return 2;
	return code;
}

static const struct cli_flag flags[] = {
	{"at", "REV", false, "plan this revision, not the one that is followed"},
	{"detailed-exitcode", NULL, false, "exit 2 if there is something to do"},
	{0},
};

const struct cli_verb cli_plan = {
	.name = "plan",
	.synopsis = "[REPO] [IMAGE...] [--at REV] [A..B] [--detailed-exitcode]",
	.summary = "show what would be done, and why",
	.details = "A..B compares two commits' definitions alone, whatever is built.",
	.words = CLI_PLAN,
	.flags = flags,
	.prepare = prepare,
	.observe = count_work,
	.show = show,
	.finish = finish,
};
