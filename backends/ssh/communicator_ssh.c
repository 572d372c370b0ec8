/* SPDX-License-Identifier: Apache-2.0 */
/* The ops table. */
#include <stdlib.h>
#include <string.h>

#include "backends/ssh/channel.h"
#include "backends/ssh/session.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/ssh_key.h"

static struct ssh *of(struct communicator *communicator)
{
	return (struct ssh *)communicator;
}

static void drop(struct ssh *ssh)
{
	link_close(ssh->link);
	ssh->link = NULL;
}

static int connect_anew(struct ssh *ssh, struct error *err)
{
	drop(ssh);
	build_log_say(&ssh->communicator.job->log, "connecting to %s port %d again",
		ssh->settings->target.host, ssh->settings->target.port);
	return ssh_connect(ssh, err);
}

/* ---- operations ---- */

/* A link to work with: a new one where the last one broke. */
static int ready(struct ssh *ssh, struct error *err)
{
	if (communicator_check(&ssh->communicator, err) < 0)
		return -1;
	return ssh->link && !ssh->link->dead ? 0 : connect_anew(ssh, err);
}

/* A channel, over a new connection where the old one turns out to be broken: nothing was begun on it. */
static struct _LIBSSH2_CHANNEL *ready_channel(struct ssh *ssh, struct error *err)
{
	struct _LIBSSH2_CHANNEL *channel;

	if (ready(ssh, err) < 0)
		return NULL;
	if ((channel = channel_open(ssh->link, err)) || !ssh->link->dead || ready(ssh, err) < 0)
		return channel;
	return channel_open(ssh->link, err);
}

/* The connection still answers: a transfer cannot tell what was begun on one that does not. */
static int ready_to_transfer(struct ssh *ssh, struct error *err)
{
	struct _LIBSSH2_CHANNEL *channel = ready_channel(ssh, err);

	if (!channel)
		return -1;
	channel_close(ssh->link, channel);
	return ready(ssh, err);
}

static int add_to_log(
	void *context, enum log_stream stream, const char *bytes, size_t size, struct error *err)
{
	struct build_log *log = context;

	build_log_add(log, stream, bytes, size);
	if (!build_log_is_full(log))
		return 0;
	return fail(err, ERROR_CATALOG, "it said more than %lld bytes (limits.log_bytes)",
		(long long)log->most);
}

static int ignore(
	void *context, enum log_stream stream, const char *bytes, size_t size, struct error *err)
{
	(void)context, (void)stream, (void)bytes, (void)size, (void)err;
	return 0;
}

/* As Packer sends it, with an end of line. */
static int execute(struct ssh *ssh, const char *command, bool pty, const struct output *output,
	int *code, struct error *err)
{
	autofree char *line = memory_printf("%s\n", command);
	struct _LIBSSH2_CHANNEL *channel = ready_channel(ssh, err);

	if (!channel)
		return -1;
	int result = channel_run(ssh->link, channel, line, pty, output, code, err);
	channel_close(ssh->link, channel);
	if (ssh->link->dead)
		drop(ssh);
	return result;
}

static int run(struct communicator *communicator, const char *command, int *code, struct error *err)
{
	struct build_log *log = &communicator->job->log;
	const struct output output = {add_to_log, log};
	struct ssh *ssh = of(communicator);
	int result = execute(ssh, command, ssh->settings->pty, &output, code, err);

	build_log_flush(log);
	if (result == 0 && *code == COMMUNICATOR_DISCONNECTED)
		build_log_say(log, "the connection ended while the command ran");
	return result;
}

static bool is_folder(struct communicator *communicator, const char *source)
{
	static const struct output nowhere = {ignore, NULL};
	CLEANUP(text_clear) struct text command = {0};
	struct error ignored;
	int code = 1;

	text_add(&command, "test -d ");
	quote_path(source, &command);
	return execute(of(communicator), text_get(&command), false, &nowhere, &code, &ignored) ==
	               0 &&
	       code == 0;
}

static int upload(struct communicator *communicator, int fd, mode_t mode, const char *destination,
	struct error *err)
{
	struct ssh *ssh = of(communicator);

	if (ready_to_transfer(ssh, err) < 0)
		return -1;
	return ssh->transfer->upload(ssh->link, fd, mode, destination, err);
}

static int upload_folder(
	struct communicator *communicator, int folder, const char *destination, struct error *err)
{
	struct ssh *ssh = of(communicator);

	if (ready_to_transfer(ssh, err) < 0)
		return -1;
	return ssh->transfer->upload_folder(ssh->link, folder, destination, err);
}

static int download(struct communicator *communicator, const char *source, int fd, mode_t *mode,
	struct error *err)
{
	struct ssh *ssh = of(communicator);

	if (ready_to_transfer(ssh, err) < 0)
		return -1;
	return ssh->transfer->download(ssh->link, source, fd, mode, err);
}

static int download_folder(
	struct communicator *communicator, const char *source, int folder, struct error *err)
{
	struct ssh *ssh = of(communicator);

	if (ready_to_transfer(ssh, err) < 0)
		return -1;
	return ssh->transfer->download_folder(ssh->link, source, folder, err);
}

static int reset(struct communicator *communicator, struct error *err)
{
	return connect_anew(of(communicator), err);
}

static void close_ssh(struct communicator *communicator)
{
	struct ssh *ssh = of(communicator);

	tunnels_stop(ssh);
	drop(ssh);
	free(ssh->target.line);
	free(ssh->bastion.line);
	free(ssh);
}

/* Detours and an agent are kiln's own: nothing else gets at them. */
static int describe(const struct communicator *communicator, struct communicator_address *address,
	struct error *err)
{
	const struct ssh *ssh = (const struct ssh *)communicator;
	const struct ssh_host *target = &ssh->settings->target;

	if (ssh->settings->bastion.host || ssh->settings->proxy_host)
		return fail(err, ERROR_CATALOG,
			"the host is reached through a bastion or proxy, which other programs of "
			"this machine are not given");
	if (!target->identity.password && !target->identity.private_keys.count)
		return fail(err, ERROR_CATALOG,
			"the login is by an agent, which other programs of this machine are not "
			"given: use a key file or a password");
	if (!ssh->target.line)
		return fail(err, ERROR_TRANSIENT, "there was no connection yet");
	*address = (struct communicator_address){.host = target->host,
		.user = target->identity.username,
		.port = target->port,
		.host_key = ssh->target.line,
		.password = target->identity.password,
		.private_keys = &target->identity.private_keys};
	return 0;
}

static const struct communicator_ops ssh_ops = {
	.name = "ssh",
	.remote = true,
	.run = run,
	.upload = upload,
	.upload_folder = upload_folder,
	.download = download,
	.download_folder = download_folder,
	.is_folder = is_folder,
	.reset = reset,
	.describe = describe,
	.close = close_ssh,
};

/* ---- opening ---- */

/* What no waiting changes. */
static int check_identity(const struct ssh_host *host, struct error *err)
{
	const char *agent = getenv("SSH_AUTH_SOCK");

	if (host->identity.agent && (!agent || !*agent))
		return fail(err, ERROR_CATALOG,
			"there is no ssh agent for %s: SSH_AUTH_SOCK is not set where kiln runs",
			host->host);
	strings_each (key, &host->identity.private_keys) {
		struct ssh_key_about about;
		if (!ssh_key_describe(key, strlen(key), &about))
			return fail(err, ERROR_CATALOG,
				"the key for %s is no private key: ssh-keygen -t ed25519 makes one",
				host->host);
		if (about.encrypted)
			return fail(err, ERROR_CATALOG,
				"the key for %s (%s) has a passphrase, which nobody can type here: "
				"use a key without one, or ssh_agent_auth",
				host->host, about.type);
	}
	return 0;
}

/* What stands in no log, though a program on the other side may print it. */
static void hide(struct job *job, const struct ssh_identity *identity)
{
	if (identity->password)
		redactor_add_secret(&job->log.secrets, identity->password, "<sensitive>");
	strings_each (key, &identity->private_keys)
		redactor_add_secret(&job->log.secrets, key, "<sensitive>");
}

static int open_first(struct ssh *ssh, struct error *err)
{
	const struct ssh_settings *settings = ssh->settings;
	struct build_log *log = &ssh->communicator.job->log;
	struct patience pause = {&ssh->communicator, 0, "pause_before_connecting"};

	build_log_say(
		log, "waiting for ssh at %s port %d", settings->target.host, settings->target.port);
	if (ssh_connect(ssh, err) < 0)
		return -1;
	if (settings->pause_nsec <= 0) {
		build_log_say(log, "connected");
		return 0;
	}
	build_log_say(log, "connected; again in %.1f s (pause_before_connecting)",
		(double)settings->pause_nsec / 1e9);
	drop(ssh);
	if (patience_sleep(&pause, settings->pause_nsec / 1000, err) < 0)
		return -1;
	return ssh_connect(ssh, err);
}

int ssh_open(struct job *job, const struct ssh_settings *settings,
	struct communicator **communicator, struct error *err)
{
	struct ssh *ssh = memory_new(sizeof(*ssh));

	ssh->communicator = (struct communicator){.ops = &ssh_ops, .job = job};
	ssh->settings = settings;
	ssh->transfer = settings->sftp ? &transfer_sftp : &transfer_scp;
	hide(job, &settings->target.identity);
	hide(job, &settings->bastion.identity);
	if (settings->proxy_password)
		redactor_add_secret(&job->log.secrets, settings->proxy_password, "<sensitive>");
	if (check_identity(&settings->target, err) < 0 ||
		check_identity(&settings->bastion, err) < 0 || open_first(ssh, err) < 0 ||
		tunnels_start(ssh, err) < 0) {
		close_ssh(&ssh->communicator);
		return -1;
	}
	*communicator = &ssh->communicator;
	return 0;
}

const char *ssh_host_key(const struct communicator *communicator)
{
	return ((const struct ssh *)communicator)->target.line;
}
