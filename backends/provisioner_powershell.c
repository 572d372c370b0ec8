/* SPDX-License-Identifier: Apache-2.0 */
/* PowerShell scripts and batch files. Source: Packer 1.6.6 provisioner/powershell and provisioner/windows-shell. */
#include "backends/plugins/all.h"
#include "backends/shell_script.h"
#include "backends/windows.h"
#include "base/cleanup.h"
#include "base/memory.h"

#define FOLDER "c:/Windows/Temp/"

/* A path below FOLDER that is this build's own, unless the template says one. */
static char *own_path(const struct windows_scripts *scripts, const char *said, const char *name)
{
	int number = shell_script_number(scripts->job, scripts->communicator);

	return *said ? memory_copy_text(said) : memory_printf(FOLDER "%s-%d.ps1", name, number);
}

static void add_removal(const char *path, struct text *script)
{
	text_addf(script, "if (Test-Path %s) {Remove-Item %s}\n", path, path);
}

/* By a script that removes itself too. What cannot be removed stays: the machine may be on its way down. */
static void clean_up(struct windows_scripts *scripts)
{
	struct communicator *communicator = scripts->communicator;
	CLEANUP(text_clear) struct text script = {0}, command = {0};
	autofree char *path = own_path(scripts, "", "packer-cleanup");
	struct error why = {0};
	int code = 0;

	add_removal(scripts->variables_path, &script);
	strings_each (sent, &scripts->sent)
		add_removal(sent, &script);
	add_removal(path, &script);
	json_set_text(scripts->data, "Path", path);
	if (job_render(scripts->options->execute_command, scripts->data, &command, &why) < 0 ||
		communicator_upload_bytes(
			communicator, text_get(&script), script.size, 0755, path, &why) < 0 ||
		communicator->ops->run(communicator, text_get(&command), &code, &why) < 0)
		build_log_say(&scripts->job->log, "the scripts stay over there: %s", why.text);
	else if (code != 0)
		build_log_say(&scripts->job->log,
			"the scripts stay over there: their removal ended with exit code %d", code);
}

/* PowerShell's variables, what the user gave escaped. */
static void write_variables(const struct windows_script_options *options,
	const struct json *variables, struct text *out)
{
	json_each_member (member, variables) {
		CLEANUP(text_clear) struct text value = {0};
		windows_escape(json_text(member.value, ""), &value);
		shell_format_variable(options->env_var_format, member.key, text_get(&value), out);
	}
}

static int provision_powershell(struct job *job, const struct json *options,
	struct communicator *communicator, struct error *err)
{
	autojson struct json *data = job_data(job), *variables = NULL;
	CLEANUP(text_clear) struct text content = {0};
	struct powershell_options decoded;
	CLEANUP(windows_scripts_clear)
	struct windows_scripts scripts = {.job = job,
		.communicator = communicator,
		.options = &decoded.script,
		.data = data,
		.variables = &content};

	options_decode(&plugin_provisioner_powershell, options, &decoded);
	autofree char *path = own_path(&scripts, decoded.script.remote_path, "script");
	autofree char *variables_path =
		own_path(&scripts, decoded.remote_env_var_path, "packer-ps-env-vars");
	scripts.remote_path = path;
	scripts.variables_path = variables_path;
	if (shell_variables(job, decoded.script.environment, true, data, &variables, err) < 0)
		return -1;
	write_variables(&decoded.script, variables, &content);
	json_set_text(data, "Vars", variables_path);
	if (windows_scripts_run(&scripts, err) < 0)
		return -1;
	if (!decoded.skip_clean)
		clean_up(&scripts);
	return communicator_check(communicator, err);
}

const struct provisioner provisioner_powershell = {
	.plugin = &plugin_provisioner_powershell,
	.provision = provision_powershell,
};

/* The script is never removed, as Packer has it. */
static int provision_windows_shell(struct job *job, const struct json *options,
	struct communicator *communicator, struct error *err)
{
	autojson struct json *data = job_data(job), *variables = NULL;
	CLEANUP(text_clear) struct text content = {0};
	struct windows_script_options decoded;
	CLEANUP(windows_scripts_clear)
	struct windows_scripts scripts = {
		.job = job, .communicator = communicator, .options = &decoded, .data = data};

	options_decode(&plugin_provisioner_windows_shell, options, &decoded);
	scripts.remote_path = decoded.remote_path;
	if (shell_variables(job, decoded.environment, false, data, &variables, err) < 0)
		return -1;
	json_each_member (member, variables)
		shell_format_variable(
			decoded.env_var_format, member.key, json_text(member.value, ""), &content);
	json_set_text(data, "Vars", text_get(&content));
	return windows_scripts_run(&scripts, err);
}

const struct provisioner provisioner_windows_shell = {
	.plugin = &plugin_provisioner_windows_shell,
	.provision = provision_windows_shell,
};
