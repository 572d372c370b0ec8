/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts that run in the image: put there, made executable, run by execute_command, removed.
 * Source: Packer 1.6.6 provisioner/shell/provisioner.go.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backends/plugins/all.h"
#include "backends/plugins/native.h"
#include "backends/shell_script.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"

enum { SCRIPT_SIZE_MOST = 64 * 1024 * 1024, RETRY_USEC = 2 * 1000 * 1000 };

struct shell {
	struct job *job;
	struct shell_options options;
	struct communicator *communicator;
	struct json *data; /* of {{.X}} */
	struct json *variables;
};

/* Line ends of other systems go, and the last line gets one, unless the script is `binary`. */
static void clean_script(const char *bytes, size_t size, bool binary, struct text *script)
{
	for (size_t i = 0; i < size; i++)
		if (binary || bytes[i] != '\r' || i + 1 == size || bytes[i + 1] != '\n')
			text_add_char(script, bytes[i]);
	if (!binary && script->size && script->data[script->size - 1] != '\n')
		text_add_char(script, '\n');
}

static int upload(struct shell *shell, const struct text *content, const char *path, mode_t mode,
	struct error *err)
{
	if (communicator_upload_bytes(
		    shell->communicator, text_get(content), content->size, mode, path, err) < 0)
		return fail_while(err, "putting the script into the image");
	return 0;
}

static char *remote_path(const struct shell *shell)
{
	const struct shell_options *options = &shell->options;

	if (*options->remote_path)
		return memory_copy_text(options->remote_path);
	if (*options->remote_file)
		return memory_printf("%s/%s", options->remote_folder, options->remote_file);
	return memory_printf("%s/script_%d.sh", options->remote_folder,
		shell_script_number(shell->job, shell->communicator));
}

static int put_variables_file(struct shell *shell, const char *path, struct error *err)
{
	CLEANUP(text_clear) struct text content = {0};

	shell_format_variables(shell->variables, shell->options.env_var_format, &content);
	return upload(shell, &content, path, 0600, err);
}

static int make_command(struct shell *shell, const char *path, const char *variables_file,
	struct text *command, struct error *err)
{
	CLEANUP(text_clear) struct text variables = {0};

	if (!shell->options.use_env_var_file)
		shell_format_variables(shell->variables, shell->options.env_var_format, &variables);
	json_set_text(shell->data, "Path", path);
	json_set_text(shell->data, "Vars", text_get(&variables));
	json_set_text(shell->data, "EnvVarFile", variables_file);
	if (job_render(shell->options.execute_command, shell->data, command, err) < 0)
		return fail_while(err, "execute_command");
	return 0;
}

/* What fails while a machine starts or its connection breaks is tried again until start_retry_timeout. */
static bool may_retry(const struct shell *shell, int64_t until_usec, const struct error *failure)
{
	return shell->communicator->ops->remote && failure->kind == ERROR_TRANSIENT &&
	       moment_elapsed_usec() + RETRY_USEC < until_usec;
}

static int64_t retry_until(const struct shell *shell)
{
	return moment_elapsed_usec() + shell->options.start_retry_timeout_nsec / 1000;
}

/* The connection may break once more: the machine may still be on its way down. */
static int remove_remote(struct shell *shell, const char *path, struct error *err)
{
	autofree char *command = memory_printf("rm -f %s", path);
	struct communicator *communicator = shell->communicator;
	int64_t until = retry_until(shell);
	int code = 0;

	if (shell->options.skip_clean)
		return 0;
	for (;;) {
		int result = communicator->ops->run(communicator, command, &code, err);
		if (result == 0 && code == COMMUNICATOR_DISCONNECTED)
			result = fail(err, ERROR_TRANSIENT, "the connection broke");
		if (result == 0)
			break;
		if (!may_retry(shell, until, err) ||
			communicator_wait(communicator, RETRY_USEC, err) < 0)
			return fail_while(err, "removing the script %s", path);
	}
	return code == 0 ? 0 : fail(err, ERROR_CATALOG, "the script %s cannot be removed", path);
}

/* One script on its way: where it and its variables lie over there. */
struct script {
	const struct text *content;
	char *path, *variables_file;
};

static void script_clear(struct script *script)
{
	free(script->path);
	free(script->variables_file);
}

static int start_script(
	struct shell *shell, const struct script *script, int *code, struct error *err)
{
	struct communicator *communicator = shell->communicator;
	CLEANUP(text_clear) struct text command = {0};

	if (shell->options.use_env_var_file &&
		put_variables_file(shell, script->variables_file, err) < 0)
		return -1;
	if (upload(shell, script->content, script->path, 0755, err) < 0 ||
		make_command(shell, script->path, script->variables_file, &command, err) < 0)
		return -1;
	return communicator->ops->run(communicator, text_get(&command), code, err);
}

static int check_code(struct shell *shell, int code, struct error *err)
{
	struct error ignored;

	if (code != COMMUNICATOR_DISCONNECTED)
		return shell_check_code(shell->options.valid_exit_codes, code, err);
	if (shell->options.expect_disconnect ||
		shell_check_code(shell->options.valid_exit_codes, code, &ignored) == 0)
		return communicator_wait(shell->communicator, RETRY_USEC, err);
	return fail(err, ERROR_CATALOG,
		"the connection broke while the script ran: if that is meant, by a restart for "
		"one, set expect_disconnect");
}

static int run_script(struct shell *shell, const struct text *content, struct error *err)
{
	CLEANUP(script_clear)
	struct script script = {content, remote_path(shell),
		memory_printf("%s/varfile_%d", shell->options.remote_folder,
			shell_script_number(shell->job, shell->communicator))};
	int64_t until = retry_until(shell);
	int code;

	while (start_script(shell, &script, &code, err) < 0) {
		if (!may_retry(shell, until, err))
			return -1;
		build_log_say(&shell->job->log, "not yet: %s", err->text);
		if (communicator_wait(shell->communicator, RETRY_USEC, err) < 0)
			return -1;
	}
	if (check_code(shell, code, err) < 0 || remove_remote(shell, script.path, err) < 0)
		return -1;
	return shell->options.use_env_var_file ? remove_remote(shell, script.variables_file, err)
	                                       : 0;
}

static int run_file(struct shell *shell, const char *name, struct error *err)
{
	CLEANUP(text_clear) struct text content = {0}, script = {0};
	autoclose int fd = job_open_path(shell->job, name, O_RDONLY, 0, err);

	if (fd < 0)
		return -1;
	build_log_say(&shell->job->log, "running the script %s", name);
	if (file_read_fd(fd, SCRIPT_SIZE_MOST, &content, err) < 0)
		return fail_while(err, "%s", name);
	clean_script(text_get(&content), content.size, shell->options.binary, &script);
	return run_script(shell, &script, err) < 0 ? fail_while(err, "%s", name) : 0;
}

static int run_all(struct shell *shell, struct error *err)
{
	const struct shell_options *options = &shell->options;
	CLEANUP(text_clear) struct text script = {0};

	if (json_count(options->inline_lines)) {
		if (shell_script_of_lines(options->inline_lines, options->inline_shebang,
			    shell->data, &script, err) < 0)
			return -1;
		return run_script(shell, &script, err);
	}
	if (*options->script)
		return run_file(shell, options->script, err);
	for (size_t i = 0; i < json_count(options->scripts); i++)
		if (run_file(shell, json_text(json_item(options->scripts, i), ""), err) < 0)
			return -1;
	return 0;
}

static int provision(struct job *job, const struct json *options, struct communicator *communicator,
	struct error *err)
{
	struct shell shell = {.job = job, .communicator = communicator};
	autojson struct json *data = job_data(job);
	autojson struct json *variables = NULL;

	options_decode(&plugin_provisioner_shell, options, &shell.options);
	shell.data = data;
	if (shell_variables(job, shell.options.environment, false, data, &variables, err) < 0)
		return -1;
	shell.variables = variables;
	if (run_all(&shell, err) < 0)
		return -1;
	return communicator_wait(communicator, shell.options.pause_after_nsec / 1000, err);
}

const struct provisioner provisioner_shell = {
	.plugin = &plugin_provisioner_shell,
	.provision = provision,
};
