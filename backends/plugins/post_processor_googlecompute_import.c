/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"account_file", OPTION_TEXT, PATH_FILE, .check = CHECK_ACCOUNT},
	{"impersonate_service_account", OPTION_TEXT},
	{"project_id", OPTION_TEXT},
	{"iap", OPTION_BOOL},
	{"bucket", OPTION_TEXT},
	{"gcs_object_name", OPTION_TEXT, .late = true},
	{"image_description", OPTION_TEXT},
	{"image_family", OPTION_TEXT},
	{"image_guest_os_features", OPTION_TEXTS},
	{"image_labels", OPTION_TEXT_MAP},
	{"image_name", OPTION_TEXT},
	{"skip_clean", OPTION_BOOL},
	{"vault_gcp_oauth_engine", OPTION_TEXT},
	{"image_platform_key", OPTION_TEXT, PATH_FILE, .check = CHECK_NOTHING},
	{"image_key_exchange_key", OPTION_TEXTS, PATH_FILE, .check = CHECK_NOTHING},
	{"image_signatures_db", OPTION_TEXTS, PATH_FILE, .check = CHECK_NOTHING},
	{"image_forbidden_signatures_db", OPTION_TEXTS, PATH_FILE, .check = CHECK_NOTHING},
	{0},
};

/* Source: Packer 1.6.6 post-processor/googlecompute-import/post-processor.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "bucket image_name project_id"},
	{RULE_AT_MOST_ONE, "vault_gcp_oauth_engine impersonate_service_account",
		.when = "account_file"},
	{0},
};

const struct plugin plugin_post_processor_googlecompute_import = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "googlecompute-import",
	.elsewhere = "project_id bucket gcs_object_name image_name",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
