/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"command", OPTION_TEXT},
	{"extra_arguments", OPTION_TEXTS},
	{"group_vars", OPTION_TEXT, PATH_FOLDER, .check = CHECK_FOLDER},
	{"host_vars", OPTION_TEXT, PATH_FOLDER, .check = CHECK_FOLDER},
	{"playbook_dir", OPTION_TEXT, PATH_FOLDER, .check = CHECK_FOLDER},
	{"playbook_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{"playbook_files", OPTION_TEXTS, PATH_FILE, .check = CHECK_FILE},
	{"playbook_paths", OPTION_TEXTS, PATH_FOLDER, .check = CHECK_FOLDER},
	{"role_paths", OPTION_TEXTS, PATH_FOLDER, .check = CHECK_FOLDER},
	{"staging_directory", OPTION_TEXT},
	{"clean_staging_directory", OPTION_BOOL},
	{"inventory_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{"inventory_groups", OPTION_TEXTS},
	{"galaxy_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{"galaxy_command", OPTION_TEXT},
	{0},
};

/* Source: Packer 1.6.6 provisioner/ansible-local/provisioner.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_ONE, "playbook_file playbook_files"},
	{0},
};

const struct plugin plugin_provisioner_ansible_local = {
	.kind = PLUGIN_PROVISIONER,
	.name = "ansible-local",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
