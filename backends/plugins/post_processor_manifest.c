/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include "backends/plugins/native.h"

#define AT(member) .offset = offsetof(struct manifest_options, member)

static const struct plugin_option own[] = {
	{"output", OPTION_TEXT, PATH_OUTPUT, .fallback = "packer-manifest.json", AT(output),
		.help = "the file to write"},
	{"strip_path", OPTION_BOOL, AT(strip_path), .help = "names without folders"},
	{"strip_time", OPTION_BOOL, AT(strip_time), .help = "no build_time"},
	{"custom_data", OPTION_TEXT_MAP, .again = true, AT(custom_data),
		.help = "more to put into it"},
	{0},
};

const struct plugin plugin_post_processor_manifest = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "manifest",
	.native = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.size = sizeof(struct manifest_options),
	.help = "a list of what was built, in Packer's format",
};
