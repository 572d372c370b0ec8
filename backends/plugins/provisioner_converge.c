/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"bootstrap", OPTION_BOOL},
	{"version", OPTION_TEXT},
	{"bootstrap_command", OPTION_TEXT, .late = true},
	{"prevent_bootstrap_sudo", OPTION_BOOL},
	{"module_dirs", OPTION_BLOCKS},
	{"module", OPTION_TEXT},
	{"working_directory", OPTION_TEXT},
	{"params", OPTION_TEXT_MAP},
	{"execute_command", OPTION_TEXT, .late = true},
	{"prevent_sudo", OPTION_BOOL},
	{0},
};

const struct plugin plugin_provisioner_converge = {
	.kind = PLUGIN_PROVISIONER,
	.name = "converge",
	.groups = (const struct plugin_option *const[]){own, NULL},
};
