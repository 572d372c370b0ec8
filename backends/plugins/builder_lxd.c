/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"output_image", OPTION_TEXT},
	{"container_name", OPTION_TEXT},
	{"command_wrapper", OPTION_TEXT},
	{"image", OPTION_TEXT, .required = true, .source_image = true},
	{"profile", OPTION_TEXT},
	{"init_sleep", OPTION_TEXT},
	{"publish_properties", OPTION_TEXT_MAP},
	{"launch_config", OPTION_TEXT_MAP},
	{0},
};

const struct plugin plugin_builder_lxd = {
	.kind = PLUGIN_BUILDER,
	.name = "lxd",
	.groups = (const struct plugin_option *const[]){own, NULL},
};
