/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"chef_environment", OPTION_TEXT},
	{"chef_license", OPTION_TEXT},
	{"config_template", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{"cookbook_paths", OPTION_TEXTS, PATH_FOLDER, .check = CHECK_FOLDER},
	{"roles_path", OPTION_TEXT, PATH_FOLDER, .check = CHECK_FOLDER},
	{"data_bags_path", OPTION_TEXT, PATH_FOLDER, .check = CHECK_FOLDER},
	{"encrypted_data_bag_secret_path", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{"environments_path", OPTION_TEXT, PATH_FOLDER, .check = CHECK_FOLDER},
	{"execute_command", OPTION_TEXT, .late = true},
	{"install_command", OPTION_TEXT, .late = true},
	{"remote_cookbook_paths", OPTION_TEXTS},
	{"json", OPTION_BLOCK},
	{"prevent_sudo", OPTION_BOOL},
	{"run_list", OPTION_TEXTS},
	{"skip_install", OPTION_BOOL},
	{"staging_directory", OPTION_TEXT},
	{"guest_os_type", OPTION_TEXT},
	{"version", OPTION_TEXT},
	{0},
};

/* Source: Packer 1.6.6 provisioner/chef-solo/provisioner.go, Prepare. */
static const struct plugin_rule rules[] = {
	GUEST_OS_RULE,
	{0},
};

const struct plugin plugin_provisioner_chef_solo = {
	.kind = PLUGIN_PROVISIONER,
	.name = "chef-solo",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
