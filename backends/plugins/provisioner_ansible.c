/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include "backends/plugins/native.h"

#define AT(member) .offset = offsetof(struct ansible_options, member)
#define OF_THE_PROXY \
	.offset = OPTION_NOT_DECODED, .help = "of Packer's proxy: nothing here, there is none"

static const struct plugin_option own[] = {
	{"command", OPTION_TEXT, .fallback = "ansible-playbook", AT(command),
		.help = "the program to run"},
	{"extra_arguments", OPTION_TEXTS, .again = true, AT(extra_arguments),
		.help = "more arguments for it, one an item"},
	{"ansible_env_vars", OPTION_TEXTS, .again = true, AT(environment),
		.help = "NAME=VALUE, a variable each"},
	{"playbook_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE, AT(playbook_file),
		.help = "the playbook"},
	{"ansible_ssh_extra_args", OPTION_TEXTS, AT(ssh_extra_arguments),
		.help = "for --ssh-extra-args, put together as they are"},
	{"groups", OPTION_TEXTS, AT(groups), .help = "groups that the host is in"},
	{"empty_groups", OPTION_TEXTS, AT(empty_groups), .help = "groups without a host"},
	{"host_alias", OPTION_TEXT, .fallback = "default", AT(host_alias),
		.help = "the host's name for playbooks"},
	{"user", OPTION_TEXT, AT(user),
		.help = "with use_proxy false: who to log in as, if not the communicator's user"},
	{"local_port", OPTION_INTEGER, OF_THE_PROXY},
	{"ssh_host_key_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE, OF_THE_PROXY},
	{"ssh_authorized_key_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE, OF_THE_PROXY},
	{"sftp_command", OPTION_TEXT, OF_THE_PROXY},
	{"skip_version_check", OPTION_BOOL, AT(skip_version_check),
		.help = "do not ask the program for its version first"},
	{"use_sftp", OPTION_BOOL, AT(use_sftp), .help = "files go by sftp and in no other way"},
	{"inventory_directory", OPTION_TEXT, PATH_FOLDER, .check = CHECK_FOLDER,
		AT(inventory_directory),
		.help = "where the inventory is written, beside group_vars and host_vars"},
	{"inventory_file_template", OPTION_TEXT, .late = true, AT(inventory_template),
		.help = "the host's line: {{.HostAlias}}, {{.Host}}, {{.User}}, {{.Port}}"},
	{"inventory_file", OPTION_TEXT, PATH_FILE, .check = CHECK_NOTHING, AT(inventory_file),
		.help = "an inventory in place of one that is written"},
	{"keep_inventory_file", OPTION_BOOL, AT(keep_inventory_file),
		.help = "leave the inventory in inventory_directory"},
	{"galaxy_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE, AT(galaxy_file),
		.help = "roles and collections to install first"},
	{"galaxy_command", OPTION_TEXT, .fallback = "ansible-galaxy", AT(galaxy_command),
		.help = "what installs them"},
	{"galaxy_force_install", OPTION_BOOL, AT(galaxy_force),
		.help = "install them even where they are"},
	{"roles_path", OPTION_TEXT, PATH_FOLDER, .optional_path = true, AT(roles_path),
		.help = "where roles are installed"},
	{"collections_path", OPTION_TEXT, PATH_FOLDER, .optional_path = true, AT(collections_path),
		.help = "where collections are installed"},
	{"use_proxy", OPTION_TRILEAN, AT(use_proxy),
		.help = "there is no proxy here: false only makes user count"},
	{0},
};

/* Source: Packer 1.6.6 provisioner/ansible/provisioner.go, Prepare; `ansible-playbook --version`, which it runs, is left to the build. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "playbook_file"},
	{RULE_RANGE, "local_port", "-999999999 65535"},
	{0},
};

const struct plugin plugin_provisioner_ansible = {
	.kind = PLUGIN_PROVISIONER,
	.name = "ansible",
	.native = true,
	.power = POWER_HOST_ANSIBLE,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
	.size = sizeof(struct ansible_options),
	.help = "ansible-playbook on this machine, in a sandbox, over ssh",
};
