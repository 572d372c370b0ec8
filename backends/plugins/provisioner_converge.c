/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option module_dir[] = {
	{"source", OPTION_TEXT, PATH_FOLDER, .check = CHECK_NOTHING},
	{"destination", OPTION_TEXT},
	{"exclude", OPTION_TEXTS},
	{0},
};

static const struct plugin_option own[] = {
	{"bootstrap", OPTION_BOOL},
	{"version", OPTION_TEXT},
	{"bootstrap_command", OPTION_TEXT, .late = true},
	{"prevent_bootstrap_sudo", OPTION_BOOL},
	{"module_dirs", OPTION_BLOCKS, .block = module_dir},
	{"module", OPTION_TEXT},
	{"working_directory", OPTION_TEXT},
	{"params", OPTION_TEXT_MAP},
	{"execute_command", OPTION_TEXT, .late = true},
	{"prevent_sudo", OPTION_BOOL},
	{0},
};

/* Source: Packer 1.6.6 provisioner/converge/provisioner.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "module"},
	{RULE_NEEDS, "module_dirs.source module_dirs.destination"},
	{0},
};

const struct plugin plugin_provisioner_converge = {
	.kind = PLUGIN_PROVISIONER,
	.name = "converge",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
