/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/shell_local.h"

#include <string.h>

#include "backends/plugins/native.h"

#define AT(member) .offset = offsetof(struct shell_local_options, member)

const struct plugin_option options_shell_local[] = {
	{"command", OPTION_TEXT, AT(command), .help = "one command; prefer inline"},
	{"inline", OPTION_TEXTS, .again = true, AT(inline_lines), .help = "the lines of a script"},
	{"script", OPTION_TEXT, PATH_FILE, AT(script), .help = "a script"},
	{"scripts", OPTION_TEXTS, PATH_FILE, AT(scripts), .help = "several, one after the other"},
	{"valid_exit_codes", OPTION_INTEGERS, .fallback = "0", AT(valid_exit_codes),
		.help = "the exit codes that count as success"},
	{"environment_vars", OPTION_TEXTS, .again = true, AT(environment),
		.help = "NAME=VALUE, a variable each"},
	{"env_var_format", OPTION_TEXT, .fallback = "%s='%s' ", AT(env_var_format),
		.help = "how one variable is written; two %s: name and value"},
	{"execute_command", OPTION_TEXTS, .late = true, AT(execute_command),
		.help = "the arguments that run it: {{.Vars}} and {{.Script}}"},
	{"inline_shebang", OPTION_TEXT, .fallback = "/bin/sh -e", AT(inline_shebang),
		.help = "what runs the inline lines"},
	{"only_on", OPTION_TEXTS, AT(only_on), .help = "run only on these systems (linux)"},
	{"tempfile_extension", OPTION_TEXT, AT(tempfile_extension),
		.help = "what the inline script's name ends in"},
	{"use_linux_pathing", OPTION_BOOL, .offset = OPTION_NOT_DECODED,
		.help = "for Packer on Windows: refused here, as Packer refuses it"},
	{0},
};

/* Source: Packer 1.6.6 shell-local/config.go, Validate. */
const struct plugin_rule shell_local_rules[] = {
	{RULE_ONE, "inline script scripts command"},
	{RULE_FORBIDS, "command inline", .when = "use_linux_pathing",
		.why = "it is for scripts on Windows"},
	{RULE_FORBIDS, "script scripts", .when = "use_linux_pathing",
		.why = "it is for scripts on Windows"},
	{RULE_MATCHES, "environment_vars", "^[^=]+=", .why = "NAME=VALUE"},
	{RULE_CHOICE, "only_on", "darwin|freebsd|linux|openbsd|solaris|windows"},
	{RULE_FORBIDS, "use_linux_pathing", .why = "paths have no drive letters on this system"},
	{0},
};

int shell_local_check(struct json *options, struct error *err)
{
	(void)err;
	if (!json_count(json_get(options, "execute_command"))) {
		struct json *command = json_new_list();
		json_add_text(command, "/bin/sh");
		json_add_text(command, "-c");
		json_add_text(command, "{{.Vars}} {{.Script}}");
		json_set(options, "execute_command", command);
	}
	return 0;
}
