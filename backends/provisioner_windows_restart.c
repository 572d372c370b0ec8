/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Packer 1.6.6 provisioner/windows-restart/provisioner.go. */
#include <string.h>

#include "backends/plugins/all.h"
#include "backends/windows.h"
#include "base/cleanup.h"
#include "base/duration.h"
#include "base/moment.h"

enum {
	SECOND = 1000 * 1000,
	CHECK_USEC = 5 * SECOND,
	PENDING_USEC = 10 * SECOND,
	/* exit codes of shutdown: a restart is on its way */
	IN_PROGRESS = 1115,
	SCHEDULED = 1190,
	WINDS_DOWN = 1717,
	KEY_FOUND = 3, /* of our own command */
};

static const char *const usual_keys[] = {
	"HKLM:SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based "
	"Servicing\\RebootPending",
	"HKLM:SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based "
	"Servicing\\PackagesPending",
	"HKLM:Software\\Microsoft\\Windows\\CurrentVersion\\Component Based "
	"Servicing\\RebootInProgress",
};

struct restart {
	struct communicator *communicator;
	struct windows_restart_options options;
	int64_t until_usec;
};

static int run(struct restart *restart, const char *command, int *code, struct error *err)
{
	return restart->communicator->ops->run(restart->communicator, command, code, err);
}

static int run_powershell(struct restart *restart, const char *script, int *code, struct error *err)
{
	CLEANUP(text_clear) struct text command = {0};

	windows_encode_command(script, &command);
	return run(restart, text_get(&command), code, err);
}

static int start(struct restart *restart, struct error *err)
{
	int code;

	if (run(restart, restart->options.restart_command, &code, err) < 0)
		return -1;
	if (code == 0 || code == IN_PROGRESS || code == SCHEDULED ||
		code == COMMUNICATOR_DISCONNECTED)
		return 0;
	return fail(err, ERROR_CATALOG, "restart_command ended with exit code %d", code);
}

/*
 * Asks for another restart, in a minute, and takes that back: what refuses it is still on its way down. An exit code of 1 says
 * the same of a machine with an SSH server, which answers until its end.
 */
static int wait_until_down(struct restart *restart, struct error *err)
{
	int code, ignored;

	for (;;) {
		if (run(restart, "shutdown /r /f /t 60 /c \"packer restart test\"", &code, err) < 0)
			return err->kind == ERROR_TRANSIENT
			               ? communicator_check(restart->communicator, err)
			               : -1;
		if (code == 0)
			return run(restart, "shutdown /a", &ignored, err) < 0 &&
			                       err->kind != ERROR_TRANSIENT
			               ? -1
			               : 0;
		if (code == 1 || code == COMMUNICATOR_DISCONNECTED)
			return 0;
		bool pending = code == IN_PROGRESS || code == SCHEDULED || code == WINDS_DOWN;
		if (communicator_wait(
			    restart->communicator, pending ? PENDING_USEC : CHECK_USEC, err) < 0)
			return -1;
	}
}

/* 1: no key is there, 0: one is. */
static int has_settled(struct restart *restart, struct error *err)
{
	const struct json *keys = restart->options.registry_keys;
	size_t own = json_count(keys);
	size_t count = own ? own : sizeof(usual_keys) / sizeof(*usual_keys);

	for (size_t i = 0; restart->options.check_registry && i < count; i++) {
		const char *key = own ? json_text(json_item(keys, i), "") : usual_keys[i];
		CLEANUP(text_clear) struct text script = {0};
		int code;
		text_addf(&script, "if (Test-Path \"%s\") { exit %d }; exit 0", key, KEY_FOUND);
		if (run_powershell(restart, text_get(&script), &code, err) < 0)
			return -1;
		if (code == KEY_FOUND)
			build_log_say(
				&restart->communicator->job->log, "a restart is pending: %s", key);
		if (code != 0)
			return 0;
	}
	return 1;
}

/* 1: the machine is there again, 0: not yet. CHECKED: the user's own check succeeded. */
static int is_back(struct restart *restart, bool *checked, struct error *err)
{
	const char *own = restart->options.restart_check_command;
	int code;

	if (*own && !*checked) {
		if (run(restart, own, &code, err) < 0)
			return -1;
		if (code == COMMUNICATOR_DISCONNECTED)
			return 0;
		*checked = true;
	}
	if (run_powershell(restart,
		    "echo (\"{0} restarted.\" -f [System.Net.Dns]::GetHostName()); if (-not $?) { "
		    "exit 1 }",
		    &code, err) < 0)
		return -1;
	return code == 0 ? has_settled(restart, err) : 0;
}

static int wait_until_back(struct restart *restart, struct error *err)
{
	bool checked = false;

	for (;;) {
		if (communicator_wait(restart->communicator, CHECK_USEC, err) < 0)
			return -1;
		int back = is_back(restart, &checked, err);
		if (back > 0)
			return 0;
		if (back < 0 && err->kind != ERROR_TRANSIENT)
			return -1;
		if (communicator_check(restart->communicator, err) < 0)
			return -1;
	}
}

static int run_all(struct restart *restart, struct error *err)
{
	struct build_log *log = &restart->communicator->job->log;

	build_log_say(log, "restarting the machine");
	if (start(restart, err) < 0)
		return -1;
	build_log_say(log, "waiting for the machine to restart");
	if (wait_until_down(restart, err) < 0 || wait_until_back(restart, err) < 0)
		return -1;
	build_log_say(log, "the machine is there again");
	return 0;
}

static int provision(struct job *job, const struct json *options, struct communicator *communicator,
	struct error *err)
{
	struct restart restart = {.communicator = communicator};
	int64_t of_step = communicator->deadline_usec;

	(void)job;
	options_decode(&plugin_provisioner_windows_restart, options, &restart.options);
	restart.until_usec = moment_elapsed_usec() + restart.options.restart_timeout_nsec / 1000;
	bool own = !of_step || restart.until_usec < of_step;
	if (own)
		communicator->deadline_usec = restart.until_usec;
	int result = run_all(&restart, err);
	communicator->deadline_usec = of_step;
	if (result < 0 && own && !job_is_cancelled() &&
		moment_elapsed_usec() >= restart.until_usec) {
		CLEANUP(text_clear) struct text timeout = {0};
		duration_write_go(restart.options.restart_timeout_nsec, &timeout);
		return fail(err, ERROR_TRANSIENT,
			"the machine is not there again within restart_timeout (%s)",
			text_get(&timeout));
	}
	return result;
}

const struct provisioner provisioner_windows_restart = {
	.plugin = &plugin_provisioner_windows_restart,
	.provision = provision,
};
