/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"json", OPTION_BLOCK},
	{"chef_environment", OPTION_TEXT},
	{"chef_license", OPTION_TEXT},
	{"client_key", OPTION_TEXT}, /* over there, as are the certificates */
	{"config_template", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{"elevated_user", OPTION_TEXT},
	{"elevated_password", OPTION_TEXT},
	{"encrypted_data_bag_secret_path", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{"execute_command", OPTION_TEXT, .late = true},
	{"guest_os_type", OPTION_TEXT},
	{"install_command", OPTION_TEXT, .late = true},
	{"knife_command", OPTION_TEXT, .late = true},
	{"node_name", OPTION_TEXT},
	{"policy_group", OPTION_TEXT},
	{"policy_name", OPTION_TEXT},
	{"prevent_sudo", OPTION_BOOL},
	{"run_list", OPTION_TEXTS},
	{"server_url", OPTION_TEXT},
	{"skip_clean_client", OPTION_BOOL},
	{"skip_clean_node", OPTION_BOOL},
	{"skip_clean_staging_directory", OPTION_BOOL},
	{"skip_install", OPTION_BOOL},
	{"ssl_verify_mode", OPTION_TEXT},
	{"trusted_certs_dir", OPTION_TEXT},
	{"staging_directory", OPTION_TEXT},
	{"validation_client_name", OPTION_TEXT},
	{"validation_key_path", OPTION_TEXT, PATH_FILE, .check = CHECK_NOTHING},
	{"version", OPTION_TEXT},
	{0},
};

/* Source: Packer 1.6.6 provisioner/chef-client/provisioner.go, Prepare. */
static const struct plugin_rule rules[] = {
	GUEST_OS_RULE,
	{RULE_NEEDS, "server_url"},
	{RULE_TOGETHER, "policy_name policy_group"},
	{0},
};

const struct plugin plugin_provisioner_chef_client = {
	.kind = PLUGIN_PROVISIONER,
	.name = "chef-client",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
