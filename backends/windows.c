/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Packer 1.6.6 provisioner/powershell and provisioner/windows-shell. */
#include "backends/windows.h"

#include <fcntl.h>
#include <string.h>

#include "backends/shell_script.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/path.h"

enum { SCRIPT_SIZE_MOST = 64 * 1024 * 1024, RETRY_USEC = 2 * 1000 * 1000 };

void windows_escape(const char *value, struct text *out)
{
	for (; *value; value++) {
		if (strchr("$\"`'", *value))
			text_add_char(out, '`');
		text_add_char(out, *value);
	}
}

/* PowerShell takes base64 of UTF-16, little end first. */
void windows_encode_command(const char *script, struct text *out)
{
	CLEANUP(text_clear) struct text wide = {0};

	for (; *script; script++) {
		text_add_char(&wide, *script);
		text_add_char(&wide, '\0');
	}
	autofree char *encoded = base64_encode((const unsigned char *)wide.data, wide.size);
	text_addf(out, "powershell.exe -EncodedCommand %s", encoded);
}

void windows_scripts_clear(struct windows_scripts *scripts)
{
	strings_clear(&scripts->sent);
}

static int check_code(const struct windows_scripts *scripts, int code, struct error *err)
{
	if (shell_check_code(scripts->options->valid_exit_codes, code, err) == 0)
		return 0;
	if (code != COMMUNICATOR_DISCONNECTED)
		return -1;
	return fail(err, ERROR_CATALOG,
		"the connection broke while the script ran: windows-restart restarts a machine; "
		"or put %d among valid_exit_codes",
		COMMUNICATOR_DISCONNECTED);
}

/* Both files go over at each try: a machine that restarted may have lost them. */
static int try_once(struct windows_scripts *scripts, const struct text *content, const char *path,
	const char *command, int *code, struct error *err)
{
	struct communicator *communicator = scripts->communicator;

	if (scripts->variables_path &&
		communicator_upload_bytes(communicator, text_get(scripts->variables),
			scripts->variables->size, 0600, scripts->variables_path, err) < 0)
		return fail_while(err, "putting the variables over there");
	if (communicator_upload_bytes(
		    communicator, text_get(content), content->size, 0755, path, err) < 0)
		return fail_while(err, "putting the script over there");
	return communicator->ops->run(communicator, command, code, err);
}

static int run_script(struct windows_scripts *scripts, const struct text *content, const char *name,
	struct error *err)
{
	struct communicator *communicator = scripts->communicator;
	int64_t until = moment_elapsed_usec() + scripts->options->start_retry_timeout_nsec / 1000;
	const char *folder = scripts->remote_path;
	autofree char *path =
		memory_printf("%s%s", folder, text_ends_with(folder, "\\") ? path_name(name) : "");
	CLEANUP(text_clear) struct text command = {0};
	int code;

	json_set_text(scripts->data, "Path", path);
	if (job_render(scripts->options->execute_command, scripts->data, &command, err) < 0)
		return fail_while(err, "execute_command");
	while (try_once(scripts, content, path, text_get(&command), &code, err) < 0) {
		if (!communicator->ops->remote || err->kind != ERROR_TRANSIENT ||
			moment_elapsed_usec() + RETRY_USEC > until)
			return -1;
		build_log_say(&scripts->job->log, "not yet: %s", err->text);
		if (communicator_wait(communicator, RETRY_USEC, err) < 0)
			return -1;
	}
	strings_add_once(&scripts->sent, path);
	return check_code(scripts, code, err);
}

static int run_file(struct windows_scripts *scripts, const char *name, struct error *err)
{
	CLEANUP(text_clear) struct text content = {0};
	autoclose int fd = job_open_path(scripts->job, name, O_RDONLY, 0, err);

	if (fd < 0)
		return -1;
	build_log_say(&scripts->job->log, "running the script %s", name);
	if (file_read_fd(fd, SCRIPT_SIZE_MOST, &content, err) < 0 ||
		run_script(scripts, &content, name, err) < 0)
		return fail_while(err, "%s", name);
	return 0;
}

int windows_scripts_run(struct windows_scripts *scripts, struct error *err)
{
	const struct windows_script_options *options = scripts->options;
	CLEANUP(text_clear) struct text lines = {0};

	if (*options->script)
		return run_file(scripts, options->script, err);
	for (size_t i = 0; i < json_count(options->scripts); i++)
		if (run_file(scripts, json_text(json_item(options->scripts, i), ""), err) < 0)
			return -1;
	if (!json_count(options->inline_lines))
		return 0;
	for (size_t i = 0; i < json_count(options->inline_lines); i++)
		text_addf(&lines, "%s\n", json_text(json_item(options->inline_lines, i), ""));
	return run_script(scripts, &lines, "inline", err);
}
