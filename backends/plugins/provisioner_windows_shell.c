/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"inline", OPTION_TEXTS},
	{"script", OPTION_TEXT, PATH_FILE},
	{"scripts", OPTION_TEXTS, PATH_FILE},
	{"valid_exit_codes", OPTION_INTEGERS},
	{"environment_vars", OPTION_TEXTS},
	{"env_var_format", OPTION_TEXT},
	{"binary", OPTION_BOOL},
	{"remote_path", OPTION_TEXT},
	{"execute_command", OPTION_TEXT, .late = true},
	{"start_retry_timeout", OPTION_DURATION},
	{0},
};

/* Source: Packer 1.6.6 provisioner/windows-shell/provisioner.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_AT_MOST_ONE, "script scripts"},
	{RULE_ANY, "inline script scripts"},
	{RULE_AT_MOST_ONE, "inline script"},
	{RULE_AT_MOST_ONE, "inline scripts"},
	{RULE_MATCHES, "environment_vars", "^[^=]+=", .why = "NAME=VALUE"},
	{0},
};

const struct plugin plugin_provisioner_windows_shell = {
	.kind = PLUGIN_PROVISIONER,
	.name = "windows-shell",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
