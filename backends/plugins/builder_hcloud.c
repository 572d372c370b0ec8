/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"

static const struct plugin_option image_filter[] = {
	{"with_selector", OPTION_TEXTS},
	{"most_recent", OPTION_BOOL},
	{0},
};

static const struct plugin_option own[] = {
	{"token", OPTION_TEXT},
	{"endpoint", OPTION_TEXT},
	{"poll_interval", OPTION_DURATION},
	{"server_name", OPTION_TEXT},
	{"location", OPTION_TEXT},
	{"server_type", OPTION_TEXT},
	{"image", OPTION_TEXT, .source_image = true},
	{"image_filter", OPTION_BLOCK, .block = image_filter},
	{"snapshot_name", OPTION_TEXT},
	{"snapshot_labels", OPTION_TEXT_MAP},
	{"user_data", OPTION_TEXT},
	{"user_data_file", OPTION_TEXT, PATH_FILE},
	{"ssh_keys", OPTION_TEXTS},
	{"rescue", OPTION_TEXT},
	{0},
};

/* Source: Packer 1.6.6 builder/hcloud/config.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "token", .environment = "HCLOUD_TOKEN"},
	{RULE_NEEDS, "location server_type"},
	{RULE_ONE, "image image_filter"},
	{RULE_NEEDS, "image_filter.with_selector"},
	{0},
};

const struct plugin plugin_builder_hcloud = {
	.kind = PLUGIN_BUILDER,
	.name = "hcloud",
	.elsewhere = "endpoint location server_name snapshot_name",
	.groups = (const struct plugin_option *const[]){options_communicator, own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_user_data, rules,
		NULL},
};
