/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include "backends/plugins/native.h"

#define AT(member) .offset = offsetof(struct ansible_local_options, member)

static const struct plugin_option own[] = {
	{"command", OPTION_TEXT,
		.fallback = "ANSIBLE_FORCE_COLOR=1 PYTHONUNBUFFERED=1 ansible-playbook",
		AT(command), .help = "the command in the image; a shell reads it"},
	{"extra_arguments", OPTION_TEXTS, AT(extra_arguments),
		.help = "more words behind it, as the shell shall read them"},
	{"group_vars", OPTION_TEXT, PATH_FOLDER, .check = CHECK_FOLDER, AT(group_vars),
		.help = "a folder group_vars"},
	{"host_vars", OPTION_TEXT, PATH_FOLDER, .check = CHECK_FOLDER, AT(host_vars),
		.help = "a folder host_vars"},
	{"playbook_dir", OPTION_TEXT, PATH_FOLDER, .check = CHECK_FOLDER, AT(playbook_dir),
		.help = "a folder whose content becomes the staging folder's"},
	{"playbook_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE, AT(playbook_file),
		.help = "the playbook"},
	{"playbook_files", OPTION_TEXTS, PATH_FILE, .check = CHECK_FILE, AT(playbook_files),
		.help = "several, one after the other"},
	{"playbook_paths", OPTION_TEXTS, PATH_FOLDER, .check = CHECK_FOLDER, AT(playbook_paths),
		.help = "folders that go to playbooks/"},
	{"role_paths", OPTION_TEXTS, PATH_FOLDER, .check = CHECK_FOLDER, AT(role_paths),
		.help = "roles, which go to roles/"},
	{"staging_directory", OPTION_TEXT, AT(staging_directory),
		.help = "the folder in the image where all this goes"},
	{"clean_staging_directory", OPTION_BOOL, AT(clean_staging_directory),
		.help = "remove that folder afterwards"},
	{"inventory_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE, AT(inventory_file),
		.help = "an inventory; without one it has 127.0.0.1"},
	{"inventory_groups", OPTION_TEXTS, AT(inventory_groups),
		.help = "groups that 127.0.0.1 is in"},
	{"galaxy_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE, AT(galaxy_file),
		.help = "roles to install into roles/ first"},
	{"galaxy_command", OPTION_TEXT, .fallback = "ansible-galaxy", AT(galaxy_command),
		.help = "what installs them"},
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
	.native = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
	.size = sizeof(struct ansible_local_options),
	.help = "ansible-playbook in the image, with playbooks that are put there",
};
