/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include <string.h>

#include "backends/plugins/native.h"
#include "backends/plugins/rules.h"

#define AT(member) .offset = offsetof(struct shell_options, member)

static const struct plugin_option own[] = {
	{"inline", OPTION_TEXTS, .again = true, AT(inline_lines), .help = "the lines of a script"},
	{"script", OPTION_TEXT, PATH_FILE, AT(script), .help = "a script"},
	{"scripts", OPTION_TEXTS, PATH_FILE, AT(scripts), .help = "several, one after the other"},
	{"valid_exit_codes", OPTION_INTEGERS, .fallback = "0", AT(valid_exit_codes),
		.help = "the exit codes that count as success"},
	{"environment_vars", OPTION_TEXTS, AT(environment), .help = "NAME=VALUE, a variable each"},
	{"env_var_format", OPTION_TEXT, AT(env_var_format),
		.help = "how one variable is written; two %s: name and value"},
	{"binary", OPTION_BOOL, AT(binary), .help = "leave line ends as they are"},
	{"remote_path", OPTION_TEXT, AT(remote_path), .help = "where the script is put"},
	{"execute_command", OPTION_TEXT, .late = true, AT(execute_command),
		.help = "how it is run: {{.Vars}}, {{.Path}}, {{.EnvVarFile}}"},
	{"inline_shebang", OPTION_TEXT, .fallback = "/bin/sh -e", AT(inline_shebang),
		.help = "what runs the inline lines"},
	{"pause_after", OPTION_DURATION, AT(pause_after_nsec),
		.help = "wait after the last script"},
	{"use_env_var_file", OPTION_BOOL, AT(use_env_var_file),
		.help = "put the variables into a file that is sourced"},
	{"remote_folder", OPTION_TEXT, .fallback = "/tmp", AT(remote_folder),
		.help = "the folder the script is put in"},
	{"remote_file", OPTION_TEXT, AT(remote_file), .help = "the name it gets there"},
	{"start_retry_timeout", OPTION_DURATION, .fallback = "5m", AT(start_retry_timeout_nsec),
		.help = "how long to try to put it there"},
	{"skip_clean", OPTION_BOOL, AT(skip_clean), .help = "leave the script behind"},
	{"expect_disconnect", OPTION_BOOL, AT(expect_disconnect),
		.help = "the script may end the connection, by a reboot for one"},
	{0},
};

static void set_default(struct json *options, const char *name, const char *value)
{
	if (!*json_get_text(options, name, ""))
		json_set_text(options, name, value);
}

/* Defaults that depend on another option. */
static int check(struct json *options, struct error *err)
{
	bool file = json_get_boolean(options, "use_env_var_file", false);

	(void)err;
	set_default(options, "execute_command",
		file ? "chmod +x {{.Path}}; . {{.EnvVarFile}} && {{.Path}}"
		     : "chmod +x {{.Path}}; {{.Vars}} {{.Path}}");
	set_default(options, "env_var_format", file ? "export %s='%s'\n" : "%s='%s' ");
	return 0;
}

const struct plugin plugin_provisioner_shell = {
	.kind = PLUGIN_PROVISIONER,
	.name = "shell",
	.native = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_script, NULL},
	.check = check,
	.size = sizeof(struct shell_options),
	.help = "scripts that run in the image",
};
