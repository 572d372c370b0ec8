/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"output_image", OPTION_TEXT},
	{"container_name", OPTION_TEXT},
	{"command_wrapper", OPTION_TEXT},
	{"image", OPTION_TEXT, .source_image = true},
	{"profile", OPTION_TEXT},
	{"init_sleep", OPTION_TEXT},
	{"publish_properties", OPTION_TEXT_MAP},
	{"launch_config", OPTION_TEXT_MAP},
	{0},
};

/* Source: Packer 1.6.6 builder/lxd/config.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "image", .why = "an alias or a fingerprint, such as ubuntu-daily:x"},
	{0},
};

const struct plugin plugin_builder_lxd = {
	.kind = PLUGIN_BUILDER,
	.name = "lxd",
	.elsewhere = "container_name output_image",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
