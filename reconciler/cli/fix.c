/* SPDX-License-Identifier: Apache-2.0 */
/* The one verb that asks nobody: it reads a file and prints it anew. */
#include "reconciler/cli/cli.h"

#include <fcntl.h>

#include "base/files.h"
#include "reconciler/cli/verbs.h"
#include "reconciler/template/fix.h"

enum { FILE_SIZE_MOST = 16 * 1024 * 1024 };

static int fix(const char *path, bool validate, struct error *err)
{
	autofree char *bytes = NULL;
	CLEANUP(text_clear) struct text fixed = {0};
	size_t size = 0;

	if (file_read(AT_FDCWD, path, FILE_SIZE_MOST, &bytes, &size, err) < 0 ||
		fix_template(path, bytes, size, &fixed, err) < 0)
		return -1;
	puts(text_get(&fixed));
	if (!validate)
		return 0;
	if (fix_check(path, &fixed, err) < 0)
		return fail_while(err, "what is fixed is no template yet");
	return 0;
}

static int run(struct session *session)
{
	struct error err;

	if (fix(json_get_text(session->arguments, "file", ""),
		    json_get_boolean(session->arguments, "validate", true), &err) == 0)
		return 0;
	cli_complain("%s", err.text);
	return 1;
}

static const struct cli_flag flags[] = {
	{"validate", .choice = true, .help = "check the structure of the result (the default)"},
	{0},
};

const struct cli_verb cli_fix = {
	.name = "fix",
	.synopsis = "[--validate=BOOL] FILE",
	.summary = "print a template with what Packer deprecated written as it is now",
	.details = "The file stays as it is. What is printed is the whole template, its keys "
		   "sorted.\nExit 1 if it cannot be fixed, or is no template afterwards.",
	.words = CLI_LIST,
	.least = 1,
	.most = 1,
	.first = "file",
	.flags = flags,
	.run = run,
};
