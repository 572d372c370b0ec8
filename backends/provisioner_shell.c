/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts that run in the image: put there, made executable, run by execute_command, removed.
 * Source: Packer 1.6.6 provisioner/shell/provisioner.go.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
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

static int memory_file(const struct text *content, struct error *err)
{
	autoclose int fd = memfd_create("script", MFD_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, ERROR_RESOURCE, "memfd");
	if (file_write_all(fd, text_get(content), content->size, err) < 0)
		return -1;
	lseek(fd, 0, SEEK_SET);
	return TAKE_FD(fd);
}

/* What is not there yet may come with the machine's start: tried until start_retry_timeout. */
static int upload(struct shell *shell, const struct text *content, const char *path, mode_t mode,
	struct error *err)
{
	int64_t until = moment_elapsed_usec() + shell->options.start_retry_timeout_nsec / 1000;
	struct communicator *communicator = shell->communicator;

	for (;;) {
		autoclose int fd = memory_file(content, err);
		if (fd < 0)
			return -1;
		if (communicator->ops->upload(communicator, fd, mode, path, err) == 0)
			return 0;
		/* nothing else acts on a root file system while a step runs: waiting changes nothing there */
		if (strcmp(communicator->ops->name, "rootfs") == 0 || err->kind == ERROR_CONFLICT ||
			err->kind == ERROR_RESOURCE || moment_elapsed_usec() + RETRY_USEC > until)
			return fail_while(err, "putting the script into the image");
		usleep(RETRY_USEC);
	}
}

/* A name that is the same in every build: in Packer it is random, and scripts can see it. */
static char *remote_path(const struct shell *shell)
{
	const struct shell_options *options = &shell->options;

	if (*options->remote_path)
		return memory_copy_text(options->remote_path);
	return memory_printf("%s/%s", options->remote_folder,
		*options->remote_file ? options->remote_file : "script_1000.sh");
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

static int remove_remote(struct shell *shell, const char *path, struct error *err)
{
	autofree char *command = memory_printf("rm -f %s", path);
	int code;

	if (shell->options.skip_clean)
		return 0;
	if (shell->communicator->ops->run(shell->communicator, command, &code, err) < 0)
		return -1;
	return code == 0 ? 0 : fail(err, ERROR_CATALOG, "the script %s cannot be removed", path);
}

static int run_script(struct shell *shell, const struct text *script, struct error *err)
{
	autofree char *path = remote_path(shell);
	autofree char *variables_file =
		memory_printf("%s/varfile_1000", shell->options.remote_folder);
	CLEANUP(text_clear) struct text command = {0};
	int code;

	if (shell->options.use_env_var_file && put_variables_file(shell, variables_file, err) < 0)
		return -1;
	if (upload(shell, script, path, 0755, err) < 0 ||
		make_command(shell, path, variables_file, &command, err) < 0 ||
		shell->communicator->ops->run(shell->communicator, text_get(&command), &code, err) <
			0 ||
		shell_check_code(shell->options.valid_exit_codes, code, err) < 0 ||
		remove_remote(shell, path, err) < 0)
		return -1;
	return shell->options.use_env_var_file ? remove_remote(shell, variables_file, err) : 0;
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
	if (shell.options.pause_after_nsec > 0)
		usleep((useconds_t)(shell.options.pause_after_nsec / 1000));
	return 0;
}

const struct provisioner provisioner_shell = {
	.plugin = &plugin_provisioner_shell,
	.provision = provision,
};
