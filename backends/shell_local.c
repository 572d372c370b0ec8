/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Packer 1.6.6 provisioner/shell-local and post-processor/shell-local. */
#include "backends/shell_local.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/plugins/all.h"
#include "backends/rootfs/host_sandbox.h"
#include "backends/rootfs/sandbox.h"
#include "backends/shell_script.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

/* Below tree/, so that the sandbox sees it; no input of a repository is called so. */
#define SCRIPT_NAME ".kiln-shell-local"

struct local {
	struct job *job;
	const struct shell_local_options *options;
	struct communicator *sandbox;
	struct json *data, *variables;
	char *folder; /* the working folder inside */
	bool post;
};

/* Writes a script where the sandbox sees it; its path inside in *INSIDE. */
/* Packer takes one dot away and puts one there. */
static char *script_name(const struct local *local)
{
	const char *extension = local->options->tempfile_extension;

	return memory_printf(
		SCRIPT_NAME "%s%s", *extension ? "." : "", extension + (*extension == '.'));
}

static int write_script(
	struct local *local, const struct text *script, char **inside, struct error *err)
{
	struct job *job = local->job;
	autofree char *name = script_name(local);

	unlinkat(job->tree_fd, name, 0);
	autoclose int fd = openat(
		job->tree_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0700);
	if (fd < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", name);
	if (file_write_all(fd, text_get(script), script->size, err) < 0 ||
		(geteuid() == 0 && fchown(fd, job->ids.first_uid, job->ids.first_gid) < 0))
		return fail_errno(err, ERROR_BROKEN, "%s", name);
	*inside = memory_printf(JOB_REPOSITORY "/%s", name);
	return 0;
}

static void remove_script(struct local *local)
{
	autofree char *name = script_name(local);

	unlinkat(local->job->tree_fd, name, 0);
}

static int run_command(struct local *local, const char *script, struct error *err)
{
	const struct json *words = local->options->execute_command;
	CLEANUP(text_clear) struct text variables = {0};
	CLEANUP(strings_clear) struct strings arguments = {0};
	int code;

	shell_format_variables(local->variables, local->options->env_var_format, &variables);
	json_set_text(local->data, "Vars", text_get(&variables));
	json_set_text(local->data, "Script", script);
	json_set_text(local->data, "Command", script);
	if (local->post && json_count(words) == 1) {
		strings_add(&arguments, "sh");
		strings_add(&arguments, "-c");
	}
	for (size_t i = 0; i < json_count(words); i++) {
		struct text word = {0};
		if (job_render(json_text(json_item(words, i), ""), local->data, &word, err) < 0)
			return fail_while(err, "execute_command");
		strings_add_taken(&arguments, text_take(&word));
	}
	if (sandbox_execute(local->sandbox, (const char *const *)arguments.items, local->folder,
		    &code, err) < 0)
		return -1;
	return shell_check_code(local->options->valid_exit_codes, code, err);
}

static int run_file(struct local *local, const char *name, struct error *err)
{
	autofree char *resolved = NULL;

	if (job_resolve(local->job, name, &resolved, err) < 0)
		return -1;
	autofree char *inside = resolved[0] == '/' ? memory_copy_text(resolved)
	                                           : memory_printf(JOB_REPOSITORY "/%s", resolved);
	build_log_say(&local->job->log, "running the local script %s", name);
	return run_command(local, inside, err) < 0 ? fail_while(err, "%s", name) : 0;
}

static int run_text(struct local *local, const struct text *script, struct error *err)
{
	autofree char *inside = NULL;

	if (write_script(local, script, &inside, err) < 0)
		return -1;
	int result = run_command(local, inside, err);
	remove_script(local);
	return result;
}

static int run_all(struct local *local, struct error *err)
{
	const struct shell_local_options *options = local->options;
	CLEANUP(text_clear) struct text script = {0}, command = {0};

	if (json_count(options->inline_lines)) {
		if (shell_script_of_lines(options->inline_lines, options->inline_shebang,
			    local->data, &script, err) < 0)
			return -1;
		return run_text(local, &script, err);
	}
	if (*options->command) {
		if (job_render(options->command, local->data, &command, err) < 0)
			return fail_while(err, "command");
		text_addf(&script, "#!%s\n%s\n", options->inline_shebang, text_get(&command));
		return run_text(local, &script, err);
	}
	if (*options->script)
		return run_file(local, options->script, err);
	for (size_t i = 0; i < json_count(options->scripts); i++)
		if (run_file(local, json_text(json_item(options->scripts, i), ""), err) < 0)
			return -1;
	return 0;
}

static bool runs_here(const struct json *only_on)
{
	for (size_t i = 0; i < json_count(only_on); i++)
		if (strcmp(json_text(json_item(only_on, i), ""), "linux") == 0)
			return true;
	return json_count(only_on) == 0;
}

/*
 * What the closure lacks is lacking here: after a failure the head is told what was looked for in vain, and it knows which of
 * it the repository has.
 */
static void note_tried(struct local *local)
{
	CLEANUP(strings_clear) struct strings paths = {0};
	struct json *list, *details;
	struct error ignored;

	if (sandbox_list_tried(local->sandbox, &paths, &ignored) < 0 || !paths.count)
		return;
	list = json_new_list();
	details = json_new_object();
	strings_each (path, &paths)
		if (!text_starts_with(path, SCRIPT_NAME))
			json_add_text(list, path);
	json_set_integer(details, "serial", json_get_integer(local->job->order, "serial", 0));
	json_set(details, "paths", list);
	journal_add(&local->job->journal, "tried", details, &ignored);
}

int shell_local_run(
	struct job *job, const struct shell_local_options *options, bool post, struct error *err)
{
	autojson struct json *data = job_data(job), *variables = NULL;
	struct local local = {.job = job, .options = options, .data = data, .post = post};

	if (!runs_here(options->only_on)) {
		build_log_say(&job->log, "not for this system: skipped");
		return 0;
	}
	if (shell_variables(job, options->environment, true, data, &variables, err) < 0)
		return -1;
	local.variables = variables;
	local.folder = path_join(JOB_REPOSITORY, *job->directory ? job->directory : ".");
	local.sandbox = host_sandbox_open(job, json_get_boolean(job->order, "network", false), err);
	int result = local.sandbox ? 0 : -1;
	if (result == 0 && (result = run_all(&local, err)) < 0 && !job_is_cancelled())
		note_tried(&local);
	if (local.sandbox)
		local.sandbox->ops->close(local.sandbox);
	cleanup_free(&local.folder);
	return result;
}

static int provision(struct job *job, const struct json *options, struct communicator *communicator,
	struct error *err)
{
	struct shell_local_options decoded;

	(void)communicator;
	options_decode(&plugin_provisioner_shell_local, options, &decoded);
	return shell_local_run(job, &decoded, false, err);
}

const struct provisioner provisioner_shell_local = {
	.plugin = &plugin_provisioner_shell_local,
	.local = true,
	.provision = provision,
};

/* The artifact is handed on as it is. */
static int process(struct job *job, const struct json *options, const struct artifact *input,
	struct post_result *result, struct error *err)
{
	struct shell_local_options decoded;

	options_decode(&plugin_post_processor_shell_local, options, &decoded);
	if (shell_local_run(job, &decoded, true, err) < 0)
		return -1;
	*result = (struct post_result){artifact_copy(input), true, true};
	return 0;
}

const struct post_processor post_processor_shell_local = {
	.plugin = &plugin_post_processor_shell_local,
	.touches = true,
	.process = process,
};
