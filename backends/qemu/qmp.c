/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"

enum {
	LINE_MOST = 4 * 1024 * 1024,
	EVENTS_MOST = 256,
	READ_SIZE = 16384,
	TICK_MSEC = 200,
	COMMAND_USEC = 30 * 1000 * 1000,
	RING_MOST = 64 * 1024,
};

/* ---- lines ---- */

/* Waits at most until DEADLINE: 1 there is something to read, 0 not yet, -1. */
static int wait_readable(struct qmp *qmp, int64_t deadline_usec, struct error *err)
{
	short got;

	if (job_check(qmp->job, err) < 0 || job_wait(qmp->job, qmp->fd, POLLIN, &got,
						    deadline_usec - moment_elapsed_usec(), err) < 0)
		return -1;
	return got != 0;
}

static int read_more(struct qmp *qmp, struct error *err)
{
	char buffer[READ_SIZE];
	ssize_t got = recv(qmp->fd, buffer, sizeof(buffer), MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0) {
		qmp->gone = true;
		return fail(err, ERROR_TRANSIENT, "QEMU closed its control channel");
	}
	if (qmp->used == qmp->in.size) {
		text_reset(&qmp->in);
		qmp->used = 0;
	}
	text_add_bytes(&qmp->in, buffer, got);
	if (qmp->in.size - qmp->used > LINE_MOST)
		return fail(err, ERROR_BROKEN, "QEMU's answer is longer than %d bytes", LINE_MOST);
	return 0;
}

/* The next line's object: 1, 0 there is no whole line. */
static int take_line(struct qmp *qmp, struct json **message, struct error *err)
{
	const char *start = text_get(&qmp->in) + qmp->used;
	size_t left = qmp->in.size - qmp->used;
	const char *end = left ? memchr(start, '\n', left) : NULL;
	autojson struct json *parsed = NULL;

	if (!end)
		return 0;
	qmp->used += end - start + 1;
	if (json_parse_bytes(start, end - start, &parsed, err) < 0)
		return fail_while(err, "QEMU's answer");
	if (json_kind(parsed) != JSON_OBJECT)
		return fail(err, ERROR_BROKEN, "QEMU's answer is no object");
	*message = TAKE(parsed);
	return 1;
}

/* One more message, 1; 0 the time is over. */
static int receive(struct qmp *qmp, int64_t deadline_usec, struct json **message, struct error *err)
{
	for (;;) {
		int found = take_line(qmp, message, err);
		if (found)
			return found;
		if (qmp->gone)
			return fail(err, ERROR_TRANSIENT, "QEMU closed its control channel");
		int ready = wait_readable(qmp, deadline_usec, err);
		if (ready < 0 || (ready > 0 && read_more(qmp, err) < 0))
			return -1;
		if (!ready && moment_elapsed_usec() >= deadline_usec)
			return 0;
	}
}

/* Of events the last ones are kept. Takes over MESSAGE. */
static void keep_event(struct qmp *qmp, struct json *message)
{
	struct json *kept;

	if (json_count(qmp->events) >= EVENTS_MOST) {
		kept = json_new_list();
		for (size_t i = 1; i < json_count(qmp->events); i++)
			json_add(kept, json_copy(json_item(qmp->events, i)));
		json_free(qmp->events);
		qmp->events = kept;
	}
	json_add(qmp->events, message);
}

/* ---- commands ---- */

/* QEMU takes nothing any more: what it said before is all that comes. */
static void hear_last_words(struct qmp *qmp)
{
	struct error ignored;

	while (!qmp->gone && qmp->in.size - qmp->used <= LINE_MOST && read_more(qmp, &ignored) == 0)
		;
	qmp->gone = true;
}

/* Some of BYTES, and with the first of them the descriptor FD (-1: none). */
static ssize_t send_some(struct qmp *qmp, const char *bytes, size_t size, int fd)
{
	struct iovec part = {(char *)(uintptr_t)bytes, size};
	char room[CMSG_SPACE(sizeof(fd))] = {0};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd >= 0) {
		message.msg_control = room;
		message.msg_controllen = sizeof(room);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	return sendmsg(qmp->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int send_all(struct qmp *qmp, const struct text *line, int fd, struct error *err)
{
	int64_t deadline = moment_elapsed_usec() + COMMAND_USEC;

	for (size_t sent = 0; sent < line->size;) {
		ssize_t put = send_some(qmp, line->data + sent, line->size - sent, sent ? -1 : fd);
		struct pollfd wait = {.fd = qmp->fd, .events = POLLOUT};
		if (put > 0)
			sent += put;
		else if (put < 0 && errno != EAGAIN && errno != EINTR) {
			hear_last_words(qmp);
			return fail(err, ERROR_TRANSIENT, "QEMU closed its control channel");
		} else if (job_check(qmp->job, err) < 0)
			return -1;
		else if (moment_elapsed_usec() > deadline)
			return fail(err, ERROR_TRANSIENT, "QEMU takes no commands");
		else
			poll(&wait, 1, TICK_MSEC);
	}
	return 0;
}

static int read_answer(
	const struct json *message, const char *command, struct json **result, struct error *err)
{
	const struct json *failure = json_get(message, "error");

	if (failure)
		return fail(err, ERROR_BROKEN, "QEMU refuses %s: %s", command,
			json_get_text(failure, "desc", "it does not say why"));
	if (!json_has(message, "return"))
		return fail(err, ERROR_BROKEN, "QEMU's answer to %s says nothing", command);
	if (result)
		*result = json_copy(json_get(message, "return"));
	return 0;
}

static int ask(struct qmp *qmp, const char *command, struct json *arguments, int fd,
	int64_t timeout_usec, struct json **result, struct error *err)
{
	autojson struct json *request = json_new_object();
	CLEANUP(text_clear) struct text line = {0};
	int64_t deadline = moment_elapsed_usec() + timeout_usec;
	int64_t id = ++qmp->last_id;

	json_set_text(request, "execute", command);
	if (arguments)
		json_set(request, "arguments", arguments);
	json_set_integer(request, "id", id);
	json_write(request, JSON_LINE, &line);
	text_add_char(&line, '\n');
	if (send_all(qmp, &line, fd, err) < 0)
		return fail_while(err, "%s", command);
	for (;;) {
		autojson struct json *message = NULL;
		int got = receive(qmp, deadline, &message, err);
		if (got < 0)
			return fail_while(err, "%s", command);
		if (!got)
			return fail(err, ERROR_TRANSIENT, "QEMU did not answer %s within %.1f s",
				command, (double)timeout_usec / 1e6);
		if (json_has(message, "event"))
			keep_event(qmp, TAKE(message));
		else if (json_get_integer(message, "id", 0) == id)
			return read_answer(message, command, result, err);
		/* else the answer to one whose time was over */
	}
}

static int execute(struct qmp *qmp, const char *command, struct json *arguments, int fd,
	int64_t timeout_usec, struct json **result, struct error *err)
{
	qmp->busy = true;
	int got = ask(qmp, command, arguments, fd, timeout_usec, result, err);
	qmp->busy = false;
	return got;
}

int qmp_execute(struct qmp *qmp, const char *command, struct json *arguments, int64_t timeout_usec,
	struct json **result, struct error *err)
{
	return execute(qmp, command, arguments, -1, timeout_usec, result, err);
}

int qmp_give_fd(struct qmp *qmp, int fd, const char *name, struct error *err)
{
	struct json *arguments = json_new_object();

	json_set_text(arguments, "fdname", name);
	return execute(qmp, "getfd", arguments, fd, COMMAND_USEC, NULL, err);
}

int qmp_open(struct qmp *qmp, int fd, struct job *job, int64_t timeout_usec, struct error *err)
{
	autojson struct json *greeting = NULL;
	int64_t deadline = moment_elapsed_usec() + timeout_usec;

	*qmp = (struct qmp){.fd = fd, .job = job, .events = json_new_list()};
	int got = receive(qmp, deadline, &greeting, err);
	if (got == 0)
		error_set(err, ERROR_TRANSIENT, "QEMU said nothing within %.1f s",
			(double)timeout_usec / 1e6);
	else if (got > 0 && !json_get(greeting, "QMP"))
		got = fail(err, ERROR_BROKEN, "what answers is no QEMU");
	if (got > 0 && qmp_execute(qmp, "qmp_capabilities", NULL, timeout_usec, NULL, err) == 0)
		return 0;
	qmp_close(qmp);
	return -1;
}

void qmp_close(struct qmp *qmp)
{
	cleanup_close(&qmp->fd);
	text_clear(&qmp->in);
	json_free(qmp->events);
	*qmp = (struct qmp){.fd = -1};
}

/* ---- events ---- */

/* The kept one of that name, taken out. */
static struct json *take_event(struct qmp *qmp, const char *name)
{
	struct json *rest = json_new_list(), *found = NULL;

	for (size_t i = 0; i < json_count(qmp->events); i++) {
		const struct json *event = json_item(qmp->events, i);
		if (!found && strcmp(json_get_text(event, "event", ""), name) == 0)
			found = json_copy(event);
		else
			json_add(rest, json_copy(event));
	}
	json_free(qmp->events);
	qmp->events = rest;
	return found;
}

int qmp_wait_event(struct qmp *qmp, const char *name, int64_t timeout_usec, struct json **event,
	struct error *err)
{
	int64_t deadline = moment_elapsed_usec() + timeout_usec;

	for (;;) {
		struct json *message = take_event(qmp, name);
		if (message) {
			if (event)
				*event = message;
			else
				json_free(message);
			return 1;
		}
		if (qmp->busy)
			return 0;
		int got = receive(qmp, deadline, &message, err);
		if (got <= 0)
			return got;
		if (json_has(message, "event"))
			keep_event(qmp, message);
		else
			json_free(message);
	}
}

/* ---- the commands that are wanted ---- */

int qmp_send_key(struct qmp *qmp, const char *key, bool down, struct error *err)
{
	struct json *arguments = json_new_object(), *events = json_new_list();
	struct json *event = json_new_object(), *data = json_new_object();
	struct json *value = json_new_object();

	json_set_text(value, "type", "qcode");
	json_set_text(value, "data", key);
	json_set_bool(data, "down", down);
	json_set(data, "key", value);
	json_set_text(event, "type", "key");
	json_set(event, "data", data);
	json_add(events, event);
	json_set(arguments, "events", events);
	return qmp_execute(qmp, "input-send-event", arguments, COMMAND_USEC, NULL, err);
}

int qmp_dump_screen(struct qmp *qmp, const char *path, bool *is_png, struct error *err)
{
	struct json *arguments = json_new_object();

	json_set_text(arguments, "filename", path);
	json_set_text(arguments, "format", "png");
	*is_png = true;
	if (qmp_execute(qmp, "screendump", arguments, COMMAND_USEC, NULL, err) == 0)
		return 0;
	if (err->kind != ERROR_BROKEN || qmp->gone)
		return -1;
	*is_png = false;
	arguments = json_new_object();
	json_set_text(arguments, "filename", path);
	return qmp_execute(qmp, "screendump", arguments, COMMAND_USEC, NULL, err);
}

int qmp_ask_monitor(struct qmp *qmp, const char *command, char **answer, struct error *err)
{
	struct json *arguments = json_new_object();
	autojson struct json *result = NULL;

	json_set_text(arguments, "command-line", command);
	if (qmp_execute(qmp, "human-monitor-command", arguments, COMMAND_USEC, &result, err) < 0)
		return -1;
	*answer = memory_copy_text(json_text(result, ""));
	return 0;
}

int qmp_query_status(struct qmp *qmp, char **status, struct error *err)
{
	autojson struct json *result = NULL;

	if (qmp_execute(qmp, "query-status", NULL, COMMAND_USEC, &result, err) < 0)
		return -1;
	*status = memory_copy_text(json_get_text(result, "status", ""));
	return 0;
}

int qmp_press_power(struct qmp *qmp, struct error *err)
{
	return qmp_execute(qmp, "system_powerdown", NULL, COMMAND_USEC, NULL, err);
}

int qmp_quit(struct qmp *qmp, struct error *err)
{
	return qmp_execute(qmp, "quit", NULL, COMMAND_USEC, NULL, err);
}

int qmp_wait_migration(struct qmp *qmp, int64_t timeout_usec, struct error *err)
{
	int64_t deadline = moment_elapsed_usec() + timeout_usec;

	while (moment_elapsed_usec() < deadline) {
		autojson struct json *state = NULL;
		if (qmp_execute(qmp, "query-migrate", NULL, COMMAND_USEC, &state, err) < 0)
			return -1;
		const char *status = json_get_text(state, "status", "");
		if (strcmp(status, "completed") == 0)
			return 0;
		if (strcmp(status, "failed") == 0 || strcmp(status, "cancelled") == 0)
			return fail(err, ERROR_BROKEN, "migration %s: %s", status,
				json_get_text(state, "error-desc", "QEMU does not say why"));
		poll(NULL, 0, 5);
	}
	return fail(err, ERROR_TRANSIENT, "the migration did not end within %.1f s",
		(double)timeout_usec / 1e6);
}

int qmp_read_ring(struct qmp *qmp, const char *id, struct text *text, struct error *err)
{
	autojson struct json *result = NULL;
	struct json *arguments = json_new_object();

	json_set_text(arguments, "device", id);
	json_set_integer(arguments, "size", RING_MOST);
	json_set_text(arguments, "format", "base64");
	if (qmp_execute(qmp, "ringbuf-read", arguments, COMMAND_USEC, &result, err) < 0)
		return -1;
	size_t size = 0;
	autofree unsigned char *bytes =
		base64_decode(json_text(result, ""), json_text_size(result), &size);
	text_add_bytes(text, bytes ? (const void *)bytes : "", size);
	return 0;
}
