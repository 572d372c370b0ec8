/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include "backends/plugins/native.h"
#include "backends/plugins/rules.h"

#define AT(member) .offset = offsetof(struct windows_script_options, member)

static const struct plugin_option own[] = {
	{"inline", OPTION_TEXTS, AT(inline_lines), .help = "the lines of a script"},
	{"script", OPTION_TEXT, PATH_FILE, AT(script), .help = "a script"},
	{"scripts", OPTION_TEXTS, PATH_FILE, AT(scripts), .help = "several, one after the other"},
	{"valid_exit_codes", OPTION_INTEGERS, .fallback = "0", AT(valid_exit_codes),
		.help = "the exit codes that count as success"},
	{"environment_vars", OPTION_TEXTS, AT(environment), .help = "NAME=VALUE, a variable each"},
	{"env_var_format", OPTION_TEXT, .fallback = "set \"%s=%s\" && ", AT(env_var_format),
		.help = "how one variable is written; two %s: name and value"},
	{"binary", OPTION_BOOL, .offset = OPTION_NOT_DECODED,
		.help = "line ends always stay as they are"},
	{"remote_path", OPTION_TEXT, .fallback = "c:/Windows/Temp/script.bat", AT(remote_path),
		.help = "where the script is put"},
	{"execute_command", OPTION_TEXT, .late = true, .fallback = "{{.Vars}}\"{{.Path}}\"",
		AT(execute_command), .help = "how it is run: {{.Vars}} and {{.Path}}"},
	{"start_retry_timeout", OPTION_DURATION, .fallback = "5m", AT(start_retry_timeout_nsec),
		.help = "how long to try to start"},
	{0},
};

const struct plugin plugin_provisioner_windows_shell = {
	.kind = PLUGIN_PROVISIONER,
	.name = "windows-shell",
	.native = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_script, NULL},
	.size = sizeof(struct windows_script_options),
	.help = "batch files on a Windows machine",
};
