/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"command", OPTION_TEXT},
	{"extra_arguments", OPTION_TEXTS},
	{"group_vars", OPTION_TEXT, PATH_FOLDER},
	{"host_vars", OPTION_TEXT, PATH_FOLDER},
	{"playbook_dir", OPTION_TEXT, PATH_FOLDER},
	{"playbook_file", OPTION_TEXT, PATH_FILE},
	{"playbook_files", OPTION_TEXTS, PATH_FILE},
	{"playbook_paths", OPTION_TEXTS, PATH_FOLDER},
	{"role_paths", OPTION_TEXTS, PATH_FOLDER},
	{"staging_directory", OPTION_TEXT},
	{"clean_staging_directory", OPTION_BOOL},
	{"inventory_file", OPTION_TEXT, PATH_FILE},
	{"inventory_groups", OPTION_TEXTS},
	{"galaxy_file", OPTION_TEXT, PATH_FILE},
	{"galaxy_command", OPTION_TEXT},
	{0},
};

const struct plugin plugin_provisioner_ansible_local = {
	.kind = PLUGIN_PROVISIONER,
	.name = "ansible-local",
	.groups = (const struct plugin_option *const[]){own, NULL},
};
