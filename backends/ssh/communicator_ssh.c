/* SPDX-License-Identifier: Apache-2.0 */
/* The ops table, and the loop that connects. Source: Packer 1.6.6 helper/communicator/step_connect_ssh.go. */
#include <stdlib.h>
#include <string.h>

#include "backends/ssh/channel.h"
#include "base/cleanup.h"
#include "base/duration.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/ssh_key.h"

enum {
	SECOND = 1000 * 1000,
	DIAL_USEC = 15 * SECOND,
	HANDSHAKE_USEC = 60 * SECOND,
	/*
	 * What forwards a port of a machine that still starts takes connections that come to nothing, and a new one may be
	 * answered at once. A slow machine gets more time at each try.
	 */
	GREETING_FIRST_USEC = 3 * SECOND,
	RETRY_FIRST_USEC = SECOND / 5,
	RETRY_MOST_USEC = SECOND / 2,
	/* who refuses a login may still be setting up its users: Packer asks every 7 s */
	LOGIN_FIRST_USEC = SECOND,
	LOGIN_MOST_USEC = 7 * SECOND
};

struct ssh {
	struct communicator communicator;
	const struct ssh_settings *settings;
	const struct transfer *transfer;
	struct link *link; /* NULL: none, the next command makes one */
	struct known_host target, bastion;
};

static struct ssh *of(struct communicator *communicator)
{
	return (struct ssh *)communicator;
}

/* ---- one connection ---- */

struct attempt {
	struct ssh *ssh;
	int64_t until_usec;    /* of all attempts */
	int64_t greeting_usec; /* how long to wait for the first byte */
	bool refused;          /* the login was */
};

/* The time for one part of an attempt, which all together have until_usec. */
static struct patience patience_for(const struct attempt *attempt, const char *what, int64_t usec)
{
	int64_t limit = moment_elapsed_usec() + usec;

	if (attempt->until_usec < limit)
		limit = attempt->until_usec;
	return (struct patience){&attempt->ssh->communicator, limit, what};
}

/* Over OUTER, which it takes over, or where that is NULL by a connection of its own. */
static struct link *reach(struct attempt *attempt, const struct ssh_host *host,
	struct known_host *known, struct link *outer, struct error *err)
{
	const struct ssh_settings *settings = attempt->ssh->settings;
	struct patience patience = patience_for(attempt, "connecting", DIAL_USEC);
	int fd = outer ? -1 : dial(settings, host->host, host->port, &patience, err);

	if (!outer && fd < 0)
		return NULL;
	patience = patience_for(attempt, "the SSH handshake", HANDSHAKE_USEC);
	struct link *link = link_open(settings, host, fd, outer, known, &patience,
		moment_elapsed_usec() + attempt->greeting_usec, err);
	if (link && link_login(link, err) < 0) {
		attempt->refused = err->kind == ERROR_CATALOG;
		link_close(link);
		return NULL;
	}
	if (link)
		link->patience = (struct patience){&attempt->ssh->communicator, 0, "ssh"};
	return link;
}

static struct link *connect_once(struct attempt *attempt, struct error *err)
{
	const struct ssh_settings *settings = attempt->ssh->settings;
	struct ssh *ssh = attempt->ssh;
	struct link *outer = NULL;

	attempt->refused = false;
	if (settings->bastion.host) {
		outer = reach(attempt, &settings->bastion, &ssh->bastion, NULL, err);
		if (!outer) {
			error_add_context(err, "the bastion");
			return NULL;
		}
	}
	return reach(attempt, &settings->target, &ssh->target, outer, err);
}

/* ---- the loop ---- */

static int give_up(struct ssh *ssh, const struct error *last, struct error *err)
{
	CLEANUP(text_clear) struct text timeout = {0};

	duration_write_go(ssh->settings->timeout_nsec, &timeout);
	return fail(err, ERROR_TRANSIENT,
		"no SSH connection to %s port %d within ssh_timeout (%s): %s",
		ssh->settings->target.host, ssh->settings->target.port, text_get(&timeout),
		last->kind ? last->text : "no attempt came to an end");
}

/* What happened is said once, however often it happens. */
static void say_why(struct ssh *ssh, const struct error *now, struct error *last)
{
	if (strcmp(now->text, last->text) != 0)
		build_log_say(&ssh->communicator.job->log, "not yet: %s", now->text);
	*last = *now;
}

static int64_t twice(int64_t pause, int64_t most)
{
	return pause * 2 < most ? pause * 2 : most;
}

struct pauses {
	int64_t usec, login_usec;
};

/* The pause behind a failed attempt; -1 if there is no time for another one. */
static int pause_after(
	struct attempt *attempt, struct pauses *pauses, int64_t started_usec, struct error *err)
{
	struct patience all = {&attempt->ssh->communicator, attempt->until_usec, "connecting"};
	int64_t *pause = attempt->refused ? &pauses->login_usec : &pauses->usec;

	if (moment_elapsed_usec() - started_usec >= attempt->greeting_usec)
		attempt->greeting_usec = twice(attempt->greeting_usec, HANDSHAKE_USEC);
	if (patience_sleep(&all, *pause, err) < 0)
		return -1;
	*pause = twice(*pause, attempt->refused ? LOGIN_MOST_USEC : RETRY_MOST_USEC);
	return 0;
}

/* Another attempt would end in the same way. */
static bool is_final(const struct attempt *attempt, const struct error *failure, int refusals)
{
	if (attempt->refused)
		return refusals >= attempt->ssh->settings->handshake_attempts;
	return failure->kind == ERROR_CATALOG || failure->kind == ERROR_CONFLICT;
}

static int connect_until(struct ssh *ssh, struct error *err)
{
	struct attempt attempt = {.ssh = ssh,
		.greeting_usec = GREETING_FIRST_USEC,
		.until_usec = moment_elapsed_usec() + ssh->settings->timeout_nsec / 1000};
	struct pauses pauses = {RETRY_FIRST_USEC, LOGIN_FIRST_USEC};
	struct error last = {0}, now;
	int refusals = 0;

	for (;;) {
		int64_t started_usec = moment_elapsed_usec();
		if ((ssh->link = connect_once(&attempt, &now)))
			return 0;
		refusals += attempt.refused;
		if (is_final(&attempt, &now, refusals)) {
			*err = now;
			return -1;
		}
		if (communicator_check(&ssh->communicator, err) < 0)
			return -1;
		if (moment_elapsed_usec() >= attempt.until_usec)
			return give_up(ssh, last.kind ? &last : &now, err);
		say_why(ssh, &now, &last);
		if (pause_after(&attempt, &pauses, started_usec, &now) < 0)
			return communicator_check(&ssh->communicator, err) < 0
			               ? -1
			               : give_up(ssh, &last, err);
	}
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
	return connect_until(ssh, err);
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
	if (connect_until(ssh, err) < 0)
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
	return connect_until(ssh, err);
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
		check_identity(&settings->bastion, err) < 0 || open_first(ssh, err) < 0) {
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
