/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"account_file", OPTION_TEXT, PATH_FILE, .check = CHECK_NOTHING},
	{"impersonate_service_account", OPTION_TEXT},
	{"disk_size", OPTION_INTEGER},
	{"disk_type", OPTION_TEXT},
	{"machine_type", OPTION_TEXT},
	{"network", OPTION_TEXT},
	{"paths", OPTION_TEXTS},
	{"subnetwork", OPTION_TEXT},
	{"zone", OPTION_TEXT},
	{"vault_gcp_oauth_engine", OPTION_TEXT},
	{"service_account_email", OPTION_TEXT},
	{0},
};

/* Source: Packer 1.6.6 post-processor/googlecompute-export/post-processor.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "paths"},
	{RULE_AT_MOST_ONE, "account_file vault_gcp_oauth_engine"},
	{0},
};

const struct plugin plugin_post_processor_googlecompute_export = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "googlecompute-export",
	.elsewhere = "zone paths",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
