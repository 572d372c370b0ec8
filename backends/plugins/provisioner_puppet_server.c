/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"clean_staging_directory", OPTION_BOOL},
	{"client_cert_path", OPTION_TEXT, PATH_FOLDER, .check = CHECK_FOLDER},
	{"client_private_key_path", OPTION_TEXT, PATH_FOLDER, .check = CHECK_FOLDER},
	{"execute_command", OPTION_TEXT, .late = true},
	{"extra_arguments", OPTION_TEXTS, .late = true},
	{"facter", OPTION_TEXT_MAP},
	{"guest_os_type", OPTION_TEXT},
	{"ignore_exit_codes", OPTION_BOOL},
	{"prevent_sudo", OPTION_BOOL},
	{"puppet_bin_dir", OPTION_TEXT},
	{"puppet_node", OPTION_TEXT},
	{"puppet_server", OPTION_TEXT},
	{"staging_dir", OPTION_TEXT},
	{"working_directory", OPTION_TEXT},
	{"elevated_user", OPTION_TEXT},
	{"elevated_password", OPTION_TEXT},
	{0},
};

/* Source: Packer 1.6.6 provisioner/puppet-server/provisioner.go, Prepare. */
static const struct plugin_rule rules[] = {
	GUEST_OS_RULE,
	{0},
};

const struct plugin plugin_provisioner_puppet_server = {
	.kind = PLUGIN_PROVISIONER,
	.name = "puppet-server",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
