/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include "backends/plugins/native.h"

#define AT(member) .offset = offsetof(struct artifice_options, member)

static const struct plugin_option own[] = {
	{"files", OPTION_TEXTS, AT(files),
		.help = "the files that are the artifact from here on: paths and patterns"},
	{"keep_input_artifact", OPTION_BOOL, .offset = OPTION_NOT_DECODED,
		.help = "whether the artifact before it stays too (true)"},
	{0},
};

static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "files"},
	{0},
};

const struct plugin plugin_post_processor_artifice = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "artifice",
	.native = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
	.size = sizeof(struct artifice_options),
	.help = "other files, which the build made, in place of the artifact's",
};
