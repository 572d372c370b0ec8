/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include <string.h>

#include "backends/plugins/native.h"
#include "backends/plugins/rules.h"
#include "base/cleanup.h"
#include "base/text.h"

#define AT(member) .offset = offsetof(struct powershell_options, member)
#define ELEVATED .offset = OPTION_NOT_DECODED, .help = "for elevated_user, which is not built"
#define POLICIES "bypass|allsigned|default|remotesigned|restricted|undefined|unrestricted|none"

static const struct plugin_option own[] = {
	{"inline", OPTION_TEXTS, AT(script.inline_lines), .help = "the lines of a script"},
	{"script", OPTION_TEXT, PATH_FILE, AT(script.script), .help = "a script"},
	{"scripts", OPTION_TEXTS, PATH_FILE, AT(script.scripts),
		.help = "several, one after the other"},
	{"valid_exit_codes", OPTION_INTEGERS, .fallback = "0", AT(script.valid_exit_codes),
		.help = "the exit codes that count as success"},
	{"environment_vars", OPTION_TEXTS, .again = true, AT(script.environment),
		.help = "NAME=VALUE, a variable each"},
	{"env_var_format", OPTION_TEXT, .fallback = "$env:%s=\"%s\"; ", AT(script.env_var_format),
		.help = "how one variable is written; two %s: name and value"},
	{"binary", OPTION_BOOL, .offset = OPTION_NOT_DECODED,
		.help = "line ends always stay as they are"},
	{"remote_path", OPTION_TEXT, AT(script.remote_path),
		.help = "where the script is put; with '\\' at its end: into that folder"},
	{"execute_command", OPTION_TEXT, .late = true, AT(script.execute_command),
		.help = "how it is run: {{.Vars}} (the variables' file) and {{.Path}}"},
	{"remote_env_var_path", OPTION_TEXT, AT(remote_env_var_path),
		.help = "where the file of variables is put"},
	{"elevated_execute_command", OPTION_TEXT, .late = true, ELEVATED},
	{"skip_clean", OPTION_BOOL, AT(skip_clean), .help = "leave scripts and variables behind"},
	{"start_retry_timeout", OPTION_DURATION, .fallback = "5m",
		AT(script.start_retry_timeout_nsec), .help = "how long to try to start"},
	{"elevated_env_var_format", OPTION_TEXT, ELEVATED},
	{"elevated_user", OPTION_TEXT, .offset = OPTION_NOT_DECODED,
		.help = "run as another user by a scheduled task: not built"},
	{"elevated_password", OPTION_TEXT, ELEVATED},
	{"execution_policy", OPTION_TEXT, .fallback = "bypass", .offset = OPTION_NOT_DECODED,
		.help = "for the default of execute_command; none: without powershell in front"},
	{"debug_mode", OPTION_INTEGER, .offset = OPTION_NOT_DECODED,
		.help = "Set-PsDebug -Trace in the default of execute_command"},
	{0},
};

/* Source: Packer 1.6.6 provisioner/powershell/provisioner.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "elevated_user", .when = "elevated_password"},
	{RULE_CHOICE, "execution_policy", POLICIES "|0|1|2|3|4|5|6|7"},
	{RULE_RANGE, "debug_mode", "0 2"},
	{0},
};

/* Packer also takes their numbers. */
static const char *policy_of(const struct json *options)
{
	static const char *const names[] = {"bypass", "allsigned", "default", "remotesigned",
		"restricted", "undefined", "unrestricted", "none"};
	const char *said = json_get_text(options, "execution_policy", "");

	if (*said >= '0' && *said <= '7' && !said[1])
		return names[*said - '0'];
	return *said ? said : "bypass";
}

static int check(struct json *options, struct error *err)
{
	const char *policy = policy_of(options);
	int64_t trace = json_get_integer(options, "debug_mode", 0);
	CLEANUP(text_clear) struct text command = {0};
	bool bare = strcmp(policy, "none") == 0;

	(void)err;
	if (*json_get_text(options, "execute_command", ""))
		return 0;
	if (!bare)
		text_addf(&command, "powershell -executionpolicy %s \"", policy);
	text_add(&command, "& { if (Test-Path variable:global:ProgressPreference){set-variable "
			   "-name variable:global:ProgressPreference -value "
			   "'SilentlyContinue'};");
	if (trace)
		text_addf(&command, "Set-PsDebug -Trace %lld;", (long long)trace);
	text_addf(&command, ". {{.Vars}}; &'{{.Path}}'; exit $LastExitCode }%s", bare ? "" : "\"");
	json_set_text(options, "execute_command", text_get(&command));
	return 0;
}

static const char *unsupported(const struct json *options)
{
	if (!*json_get_text(options, "elevated_user", ""))
		return NULL;
	return "elevated_user starts scripts by a scheduled task, which is not built: whoever logs "
	       "in by ssh as an administrator has an administrator's rights already, so leave it "
	       "out";
}

const struct plugin plugin_provisioner_powershell = {
	.kind = PLUGIN_PROVISIONER,
	.name = "powershell",
	.native = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_script, rules, NULL},
	.check = check,
	.unsupported = unsupported,
	.size = sizeof(struct powershell_options),
	.help = "PowerShell scripts on a Windows machine",
};
