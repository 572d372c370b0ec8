/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"clean_staging_directory", OPTION_BOOL},
	{"guest_os_type", OPTION_TEXT},
	{"execute_command", OPTION_TEXT, .late = true},
	{"extra_arguments", OPTION_TEXTS, .late = true},
	{"facter", OPTION_TEXT_MAP},
	{"hiera_config_path", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{"ignore_exit_codes", OPTION_BOOL},
	{"module_paths", OPTION_TEXTS, PATH_FOLDER, .check = CHECK_FOLDER},
	{"manifest_file", OPTION_TEXT, PATH_ANY},
	{"manifest_dir", OPTION_TEXT, PATH_FOLDER, .check = CHECK_FOLDER},
	{"prevent_sudo", OPTION_BOOL},
	{"puppet_bin_dir", OPTION_TEXT},
	{"staging_directory", OPTION_TEXT},
	{"working_directory", OPTION_TEXT},
	{"elevated_user", OPTION_TEXT},
	{"elevated_password", OPTION_TEXT},
	{0},
};

/* Source: Packer 1.6.6 provisioner/puppet-masterless/provisioner.go, Prepare. */
static const struct plugin_rule rules[] = {
	GUEST_OS_RULE,
	{RULE_NEEDS, "manifest_file"},
	{0},
};

const struct plugin plugin_provisioner_puppet_masterless = {
	.kind = PLUGIN_PROVISIONER,
	.name = "puppet-masterless",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
