/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"skip_bootstrap", OPTION_BOOL},
	{"bootstrap_args", OPTION_TEXT},
	{"disable_sudo", OPTION_BOOL},
	{"custom_state", OPTION_TEXT},
	{"minion_config", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{"grains_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{"local_state_tree", OPTION_TEXT, PATH_FOLDER, .check = CHECK_FOLDER},
	{"local_pillar_roots", OPTION_TEXT, PATH_FOLDER, .check = CHECK_FOLDER},
	{"remote_state_tree", OPTION_TEXT},
	{"remote_pillar_roots", OPTION_TEXT},
	{"temp_config_dir", OPTION_TEXT},
	{"no_exit_on_failure", OPTION_BOOL},
	{"log_level", OPTION_TEXT},
	{"salt_call_args", OPTION_TEXT},
	{"salt_bin_dir", OPTION_TEXT},
	{"guest_os_type", OPTION_TEXT},
	{"formulas", OPTION_TEXTS},
	{0},
};

/* Source: Packer 1.6.6 provisioner/salt-masterless/provisioner.go, Prepare. */
static const struct plugin_rule rules[] = {
	GUEST_OS_RULE,
	{RULE_NEEDS, "local_state_tree"},
	{RULE_FORBIDS, "remote_state_tree remote_pillar_roots", .when = "minion_config",
		.why = "minion_config says where they are"},
	{RULE_MATCHES, "formulas", "^.*.git//[a-zA-Z0-9_-]+([?].*)?$",
		.why = "a URL of git, then // and a folder in it"},
	{0},
};

const struct plugin plugin_provisioner_salt_masterless = {
	.kind = PLUGIN_PROVISIONER,
	.name = "salt-masterless",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
