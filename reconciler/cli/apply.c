/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include <string.h>

#include "reconciler/cli/verbs.h"

static int prepare(struct json *arguments, bool as_json, struct error *err)
{
	const char *on_error = json_get_text(arguments, "on-error", "cleanup");

	if (strcmp(on_error, "cleanup") != 0 && strcmp(on_error, "abort") != 0)
		return fail(err, ERROR_CATALOG, "--on-error is cleanup or abort, not %s", on_error);
	json_set_bool(arguments, "logs", !as_json);
	return cli_read_variables(arguments, err);
}

static void show(struct session *session, const struct json *item)
{
	const char *image = json_get_text(item, "image", NULL);
	const char *phase = json_get_text(item, "phase", NULL);
	const char *text = json_get_text(item, "text", "");
	int64_t version = json_get_integer(item, "version", 0);

	progress_note(&session->progress, item);
	if (!image)
		printf("%s\n", text);
	else if (!phase)
		printf("%s: %s: %s\n", image, json_get_text(item, "action", "failed"), text);
	else if (version && strcmp(phase, "live") != 0)
		printf("%s: %s (version %lld): %s\n", image, phase, (long long)version, text);
	else
		printf("%s: %s: %s\n", image, phase, text);
}

static void show_log(struct session *session, const struct json *line)
{
	const char *build = json_get_text(line, "build", "");

	printf("%s: %s\n", progress_image_of(&session->progress, build),
		json_get_text(line, "text", ""));
}

static const struct cli_flag flags[] = {
	{"at", "REV", false, "apply this revision, not the one that is followed"},
	{"force", NULL, false, "build them though nothing changed"},
	{"no-checkpoints", NULL, false, "run every step, and keep none"},
	{"on-error", "WHAT", false,
		"cleanup (default), or abort: leave the work folder of a failed build"},
	{"allow", "POWER", true, "grant a power for this once (kiln doctor lists them)"},
	{"var", "NAME=VALUE", true, "a variable, as Packer's"},
	{"var-file", "FILE", true, "a file of variables, as Packer's"},
	{0},
};

const struct cli_verb cli_apply = {
	.name = "apply",
	.synopsis = "[REPO] [IMAGE...] [--at REV] [--force] [--no-checkpoints] "
		    "[--on-error=cleanup|abort] [--allow POWER] [-var NAME=VALUE] [-var-file FILE]",
	.summary = "do what the plan says, once",
	.details = "Exit 1 if a selected image failed or is blocked. Ctrl-C cleans up, a second "
		   "one stops at "
		   "once.",
	.words = CLI_REPO_IMAGES,
	.flags = flags,
	.prepare = prepare,
	.show = show,
	.show_log = show_log,
};
