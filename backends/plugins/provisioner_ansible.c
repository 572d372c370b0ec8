/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"command", OPTION_TEXT},
	{"extra_arguments", OPTION_TEXTS},
	{"ansible_env_vars", OPTION_TEXTS},
	{"playbook_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{"ansible_ssh_extra_args", OPTION_TEXTS},
	{"groups", OPTION_TEXTS},
	{"empty_groups", OPTION_TEXTS},
	{"host_alias", OPTION_TEXT},
	{"user", OPTION_TEXT},
	{"local_port", OPTION_INTEGER},
	{"ssh_host_key_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{"ssh_authorized_key_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{"sftp_command", OPTION_TEXT},
	{"skip_version_check", OPTION_BOOL},
	{"use_sftp", OPTION_BOOL},
	{"inventory_directory", OPTION_TEXT, PATH_FOLDER, .check = CHECK_FOLDER},
	{"inventory_file_template", OPTION_TEXT, .late = true},
	{"inventory_file", OPTION_TEXT, PATH_FILE, .check = CHECK_NOTHING},
	{"keep_inventory_file", OPTION_BOOL},
	{"galaxy_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{"galaxy_command", OPTION_TEXT},
	{"galaxy_force_install", OPTION_BOOL},
	{"roles_path", OPTION_TEXT, PATH_FOLDER, .optional_path = true},
	{"collections_path", OPTION_TEXT, PATH_FOLDER, .optional_path = true},
	{"use_proxy", OPTION_TRILEAN},
	{0},
};

/* Source: Packer 1.6.6 provisioner/ansible/provisioner.go; `ansible-playbook --version`, which it runs, is left to the build, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "playbook_file"},
	{RULE_RANGE, "local_port", "-999999999 65535"},
	{0},
};

const struct plugin plugin_provisioner_ansible = {
	.kind = PLUGIN_PROVISIONER,
	.name = "ansible",
	.power = POWER_HOST_ANSIBLE,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
