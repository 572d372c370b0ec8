/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include "backends/plugins/native.h"

#define AT(member) .offset = offsetof(struct file_builder_options, member)

static const struct plugin_option own[] = {
	{"source", OPTION_TEXT, PATH_FILE, .check = CHECK_NOTHING, AT(source),
		.help = "the file to copy"},
	{"content", OPTION_TEXT, AT(content), .help = "what the file says, in place of a source"},
	{"target", OPTION_TEXT, PATH_OUTPUT, AT(target), .help = "the file to write"},
	{0},
};

static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "target", .why = "the file to write"},
	{RULE_AT_MOST_ONE, "source content"},
	{0},
};

const struct plugin plugin_builder_file = {
	.kind = PLUGIN_BUILDER,
	.name = "file",
	.native = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
	.size = sizeof(struct file_builder_options),
	.help = "one file, from the repository or from the template",
};
