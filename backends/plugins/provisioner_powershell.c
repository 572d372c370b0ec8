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
	{"remote_env_var_path", OPTION_TEXT},
	{"elevated_execute_command", OPTION_TEXT, .late = true},
	{"skip_clean", OPTION_BOOL},
	{"start_retry_timeout", OPTION_DURATION},
	{"elevated_env_var_format", OPTION_TEXT},
	{"elevated_user", OPTION_TEXT},
	{"elevated_password", OPTION_TEXT},
	{"execution_policy", OPTION_TEXT},
	{"debug_mode", OPTION_INTEGER},
	{0},
};

/* Source: Packer 1.6.6 provisioner/powershell/provisioner.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_AT_MOST_ONE, "script scripts"},
	{RULE_ANY, "inline script scripts"},
	{RULE_AT_MOST_ONE, "inline script"},
	{RULE_AT_MOST_ONE, "inline scripts"},
	{RULE_MATCHES, "environment_vars", "^[^=]+=", .why = "NAME=VALUE"},
	{RULE_NEEDS, "elevated_user", .when = "elevated_password"},
	{RULE_CHOICE, "execution_policy",
		"bypass|allsigned|default|remotesigned|restricted|undefined|unrestricted|none|0|1|"
		"2|"
		"3|4|5|6|7"},
	{RULE_RANGE, "debug_mode", "0 2"},
	{0},
};

const struct plugin plugin_provisioner_powershell = {
	.kind = PLUGIN_PROVISIONER,
	.name = "powershell",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
