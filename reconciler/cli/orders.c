/* SPDX-License-Identifier: Apache-2.0 */
/* What a person orders by hand: a row each, for they all answer alike. */
#include "reconciler/cli/cli.h"

#include <inttypes.h>
#include <string.h>

#include "reconciler/cli/verbs.h"

static void show(struct session *session, const struct json *item)
{
	const char *phase = json_get_text(item, "phase", NULL);
	int64_t version = json_get_integer(item, "version", 0);

	progress_note(&session->progress, item);
	printf("%s", json_get_text(item, "image", ""));
	if (version)
		printf("@%" PRId64, version);
	if (phase)
		printf(": %s", phase);
	printf(": %s\n", json_get_text(item, "text", ""));
}

static int check_number(struct json *arguments, bool as_json, struct error *err)
{
	const char *number = json_text(json_item(json_get(arguments, "words"), 1), "1");

	(void)as_json;
	if (!*number || number[strspn(number, "0123456789")])
		return fail(err, ERROR_CATALOG, "'%s' is no version: they are 1, 2, 3 ...", number);
	return 0;
}

const struct cli_verb cli_rollback = {
	.name = "rollback",
	.synopsis = "IMAGE [N]",
	.summary = "make current name version N, or the one that was live before",
	.details = "Every newer version is quarantined: the same commit does not bring it back. A "
		   "commit that "
		   "changes the image does bring a new one; kiln release lifts the quarantine.",
	.words = CLI_LIST,
	.least = 1,
	.most = 2,
	.prepare = check_number,
	.show = show,
};

const struct cli_verb cli_promote = {
	.name = "promote",
	.synopsis = "IMAGE@N CHANNEL",
	.summary = "make a channel name a version",
	.details = "Never current, nor a channel that follows it.",
	.words = CLI_LIST,
	.least = 2,
	.most = 2,
	.show = show,
};

const struct cli_verb cli_hold = {
	.name = "hold",
	.synopsis = "IMAGE[@N]",
	.summary = "build and switch nothing of an image, or keep a version from being retired",
	.details = "What a person orders, a rollback for one, is done all the same.",
	.words = CLI_LIST,
	.least = 1,
	.most = 1,
	.first = "image",
};

const struct cli_verb cli_release = {
	.name = "release",
	.synopsis = "IMAGE[@N]",
	.summary = "end a hold, and lift the quarantine",
	.words = CLI_LIST,
	.least = 1,
	.most = 1,
	.first = "image",
};

const struct cli_verb cli_retire = {
	.name = "retire",
	.synopsis = "IMAGE[@N]",
	.summary = "take a version, or a whole image that nothing defines any more, out of the "
		   "catalogs",
	.words = CLI_LIST,
	.least = 1,
	.most = 1,
	.first = "image",
	.show = show,
};

const struct cli_verb cli_cancel = {
	.name = "cancel",
	.synopsis = "BUILD",
	.summary = "give up a build that is not being published yet",
	.details = "An image's name stands for its build under way.",
	.words = CLI_LIST,
	.least = 1,
	.most = 1,
	.first = "build",
	.show = show,
};
