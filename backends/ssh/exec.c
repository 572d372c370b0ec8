/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/ssh/channel.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <libssh2.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"

enum {
	WINDOW = 2 * 1024 * 1024,
	PACKET = 32768,
	CLOSE_USEC = 2 * 1000 * 1000,
	COLUMNS = 80,
	ROWS = 40
};

/* ---- channels ---- */

struct _LIBSSH2_CHANNEL *channel_open(struct link *link, struct error *err)
{
	static const char kind[] = "session";
	int code = 0;

	LIBSSH2_CHANNEL *channel = LINK_TRY_POINTER(link, err, &code,
		libssh2_channel_open_ex(
			link->session, kind, sizeof(kind) - 1, WINDOW, PACKET, NULL, 0));
	if (!channel)
		link_failed(link, code, "opening a channel", err);
	return channel;
}

void channel_close(struct link *link, struct _LIBSSH2_CHANNEL *channel)
{
	int64_t limit = link->patience.limit_usec;
	struct error ignored;

	if (!channel || link->dead)
		return; /* it goes with its session */
	link->patience.limit_usec = moment_elapsed_usec() + CLOSE_USEC;
	if (LINK_TRY(link, &ignored, libssh2_channel_free(channel)) < 0)
		link->dead = true;
	link->patience.limit_usec = limit;
}

int channel_exec(
	struct link *link, struct _LIBSSH2_CHANNEL *channel, const char *command, struct error *err)
{
	long code = LINK_TRY(link, err,
		libssh2_channel_process_startup(
			channel, "exec", strlen("exec"), command, strlen(command)));

	return code < 0 ? link_failed(link, code, "starting a command", err) : 0;
}

/* ---- the end of a command ---- */

static int number_of_signal(const char *name)
{
	for (int number = 1; number < NSIG; number++) {
		const char *known = sigabbrev_np(number);
		if (known && strcmp(known, name) == 0)
			return number;
	}
	return 0;
}

static void find_signal(struct link *link, LIBSSH2_CHANNEL *channel, char name[static 16])
{
	char *found = NULL;
	size_t size = 0;

	name[0] = '\0';
	libssh2_channel_get_exit_signal(channel, &found, &size, NULL, NULL, NULL, NULL);
	if (!found)
		return;
	snprintf(name, 16, "%.*s", (int)size, found);
	libssh2_free(link->session, found);
}

int channel_finish(struct link *link, struct _LIBSSH2_CHANNEL *channel, int *code,
	char signal[static 16], struct error *err)
{
	signal[0] = '\0';
	long result = LINK_TRY(link, err, libssh2_channel_wait_closed(channel));
	if (result == LIBSSH2_ERROR_EAGAIN)
		return -1;
	if (result < 0) {
		link->dead = true;
		*code = COMMUNICATOR_DISCONNECTED;
		return 0;
	}
	find_signal(link, channel, signal);
	*code = *signal ? 128 + number_of_signal(signal) : libssh2_channel_get_exit_status(channel);
	return 0;
}

/* ---- a command from start to end ---- */

struct run {
	struct link *link;
	LIBSSH2_CHANNEL *channel;
	const struct output *output;
	char buffer[65536];
};

/* As Packer asks for one: a plain xterm that does not repeat what is typed. Source: RFC 4254 section 8. */
static int ask_for_pty(struct link *link, LIBSSH2_CHANNEL *channel, struct error *err)
{
	static const char modes[] = {
		53, 0, 0, 0, 0, (char)128, 0, 0, 0x38, 0x40, (char)129, 0, 0, 0x38, 0x40, 0};
	long code = LINK_TRY(link, err,
		libssh2_channel_request_pty_ex(channel, "xterm", strlen("xterm"), modes,
			sizeof(modes), COLUMNS, ROWS, 0, 0));

	if (code == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED)
		return fail(err, ERROR_CATALOG, "%s gives no terminal (ssh_pty)", link->name);
	return code < 0 ? link_failed(link, code, "asking for a terminal", err) : 0;
}

/* What is there of one stream, once. *LOST: the connection is. Bytes, 0 if there are none, -1: ERR. */
static ssize_t read_some(struct run *run, enum log_stream stream, bool *lost, struct error *err)
{
	ssize_t got = libssh2_channel_read_ex(run->channel,
		stream == LOG_STDERR ? SSH_EXTENDED_DATA_STDERR : 0, run->buffer,
		sizeof(run->buffer));

	if (got == LIBSSH2_ERROR_EAGAIN)
		return 0;
	if (got < 0) {
		*lost = true;
		return 0;
	}
	if (got && run->output->add(run->output->context, stream, run->buffer, got, err) < 0)
		return -1;
	return got;
}

static ssize_t read_both(struct run *run, bool *lost, struct error *err)
{
	ssize_t out = read_some(run, LOG_STDOUT, lost, err);

	if (out < 0)
		return -1;
	ssize_t errors = read_some(run, LOG_STDERR, lost, err);
	return errors < 0 ? -1 : out + errors;
}

/* What came before the connection broke still lies in libssh2's queue. */
static int read_rest(struct run *run, struct error *err)
{
	ssize_t got;
	bool lost = false;

	do
		got = read_both(run, &lost, err);
	while (got > 0);
	run->link->dead = true;
	return got < 0 ? -1 : 0;
}

static int follow(struct run *run, struct error *err)
{
	bool lost = false;

	for (;;) {
		ssize_t got = read_both(run, &lost, err);
		if (got < 0)
			return -1;
		if (lost)
			return read_rest(run, err);
		if (got == 0 && libssh2_channel_eof(run->channel))
			return 0;
		if ((got ? patience_check(&run->link->patience, err) : link_wait(run->link, err)) <
			0)
			return -1;
	}
}

static int start(struct run *run, const char *command, bool pty, struct error *err)
{
	if (pty && ask_for_pty(run->link, run->channel, err) < 0)
		return -1;
	if (channel_exec(run->link, run->channel, command, err) < 0)
		return -1;
	/* nobody types anything */
	long code = LINK_TRY(run->link, err, libssh2_channel_send_eof(run->channel));
	return code < 0 ? link_failed(run->link, code, "starting a command", err) : 0;
}

static bool is_over(const struct link *link)
{
	struct error ignored;

	return patience_check(&link->patience, &ignored) < 0;
}

int channel_run(struct link *link, struct _LIBSSH2_CHANNEL *channel, const char *command, bool pty,
	const struct output *output, int *code, struct error *err)
{
	autofree struct run *run = memory_new(sizeof(*run));
	char signal[16];

	run->link = link;
	run->channel = channel;
	run->output = output;
	*code = COMMUNICATOR_DISCONNECTED;
	int result = start(run, command, pty, err);
	if (result == 0)
		result = follow(run, err);
	/* nobody knows how far the command came */
	if (result < 0 && link->dead && err->kind == ERROR_TRANSIENT && !is_over(link)) {
		build_log_say(&link->patience.communicator->job->log, "%s", err->text);
		return 0;
	}
	if (result < 0 || link->dead)
		return result;
	result = channel_finish(link, channel, code, signal, err);
	if (result == 0 && *signal)
		build_log_say(&link->patience.communicator->job->log,
			"the command was ended by signal %s", signal);
	return result;
}
