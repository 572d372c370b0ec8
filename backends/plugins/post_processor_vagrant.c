/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"compression_level", OPTION_INTEGER},
	{"include", OPTION_TEXTS, PATH_ANY},
	{"output", OPTION_TEXT, PATH_OUTPUT, .late = true},
	{"override", OPTION_BLOCK},
	{"vagrantfile_template", OPTION_TEXT, PATH_FILE},
	{"vagrantfile_template_generated", OPTION_BOOL},
	{"provider_override", OPTION_TEXT},
	{0},
};

const struct plugin plugin_post_processor_vagrant = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "vagrant",
	.groups = (const struct plugin_option *const[]){own, NULL},
};
