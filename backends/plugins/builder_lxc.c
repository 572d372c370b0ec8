/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"config_file", OPTION_TEXT, PATH_FILE, .required = true},
	{"output_directory", OPTION_TEXT, PATH_OUTPUT},
	{"container_name", OPTION_TEXT},
	{"command_wrapper", OPTION_TEXT},
	{"init_timeout", OPTION_DURATION},
	{"create_options", OPTION_TEXTS},
	{"start_options", OPTION_TEXTS},
	{"attach_options", OPTION_TEXTS},
	{"template_name", OPTION_TEXT, .required = true},
	{"template_parameters", OPTION_TEXTS},
	{"template_environment_vars", OPTION_TEXTS, .required = true},
	{"target_runlevel", OPTION_INTEGER},
	{0},
};

const struct plugin plugin_builder_lxc = {
	.kind = PLUGIN_BUILDER,
	.name = "lxc",
	.groups = (const struct plugin_option *const[]){own, NULL},
};
