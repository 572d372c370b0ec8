/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include "backends/plugins/native.h"

#define AT(member) .offset = offsetof(struct file_builder_options, member)

static const struct plugin_option own[] = {
	{"source", OPTION_TEXT, PATH_FILE, AT(source), .help = "the file to copy"},
	{"content", OPTION_TEXT, AT(content), .help = "what the file says, in place of a source"},
	{"target", OPTION_TEXT, PATH_OUTPUT, .required = true, AT(target),
		.help = "the file to write"},
	{0},
};

static int check(struct json *options, struct error *err)
{
	if (!*json_get_text(options, "target", ""))
		return fail(err, ERROR_CATALOG, "target is missing: the file to write");
	if (*json_get_text(options, "source", "") && *json_get_text(options, "content", ""))
		return fail(err, ERROR_CATALOG, "source and content are both given: one decides");
	return 0;
}

const struct plugin plugin_builder_file = {
	.kind = PLUGIN_BUILDER,
	.name = "file",
	.native = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.check = check,
	.size = sizeof(struct file_builder_options),
	.help = "one file, from the repository or from the template",
};
