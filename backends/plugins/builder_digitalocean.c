/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"api_token", OPTION_TEXT},
	{"api_url", OPTION_TEXT},
	{"region", OPTION_TEXT},
	{"size", OPTION_TEXT},
	{"image", OPTION_TEXT, .source_image = true},
	{"private_networking", OPTION_BOOL},
	{"monitoring", OPTION_BOOL},
	{"ipv6", OPTION_BOOL},
	{"snapshot_name", OPTION_TEXT},
	{"snapshot_regions", OPTION_TEXTS},
	{"state_timeout", OPTION_DURATION},
	{"snapshot_timeout", OPTION_DURATION},
	{"droplet_name", OPTION_TEXT},
	{"user_data", OPTION_TEXT},
	{"user_data_file", OPTION_TEXT, PATH_FILE},
	{"tags", OPTION_TEXTS},
	{"vpc_uuid", OPTION_TEXT},
	{"connect_with_private_ip", OPTION_BOOL},
	{0},
};

/* Source: Packer 1.6.6 builder/digitalocean/config.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "api_token", .environment = "DIGITALOCEAN_API_TOKEN"},
	{RULE_NEEDS, "region size image"},
	{RULE_MATCHES, "tags", "^[[:alnum:]:_-]{1,255}$"},
	{RULE_NEEDS, "private_networking", .when = "vpc_uuid"},
	{RULE_NEEDS, "private_networking", .when = "connect_with_private_ip"},
	{0},
};

const struct plugin plugin_builder_digitalocean = {
	.kind = PLUGIN_BUILDER,
	.name = "digitalocean",
	.elsewhere = "region droplet_name snapshot_name",
	.groups = (const struct plugin_option *const[]){options_communicator, own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_user_data, rules,
		NULL},
};
