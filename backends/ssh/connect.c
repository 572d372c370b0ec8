/* SPDX-License-Identifier: Apache-2.0 */
/* The loop that connects. Source: Packer 1.6.6 helper/communicator/step_connect_ssh.go. */
#include <string.h>

#include "backends/ssh/session.h"
#include "base/cleanup.h"
#include "base/duration.h"
#include "base/moment.h"

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

int ssh_connect(struct ssh *ssh, struct error *err)
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
