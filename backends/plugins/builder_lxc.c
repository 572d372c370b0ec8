/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"config_file", OPTION_TEXT, PATH_FILE},
	{"output_directory", OPTION_TEXT, PATH_OUTPUT},
	{"container_name", OPTION_TEXT},
	{"command_wrapper", OPTION_TEXT},
	{"init_timeout", OPTION_DURATION},
	{"create_options", OPTION_TEXTS},
	{"start_options", OPTION_TEXTS},
	{"attach_options", OPTION_TEXTS},
	{"template_name", OPTION_TEXT},
	{"template_parameters", OPTION_TEXTS},
	{"template_environment_vars", OPTION_TEXTS},
	{"target_runlevel", OPTION_INTEGER},
	{0},
};

/* Source: Packer 1.6.6 builder/lxc/config.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "config_file"},
	{0},
};

const struct plugin plugin_builder_lxc = {
	.kind = PLUGIN_BUILDER,
	.name = "lxc",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
