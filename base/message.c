/* SPDX-License-Identifier: Apache-2.0 */
#include "base/message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

void message_link_init(struct message_link *link, int fd)
{
	*link = (struct message_link){.fd = fd};
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void message_link_clear(struct message_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	text_clear(&link->in);
	text_clear(&link->out);
	*link = (struct message_link){.fd = -1};
}

void message_queue(struct message_link *link, const struct json *value)
{
	json_write(value, JSON_LINE, &link->out);
	text_add_char(&link->out, '\n');
}

/* Moves what is left to the front, once what is done with outweighs it: a buffer of which there is always a rest does not grow for ever. */
static void close_up(struct text *text, size_t *used)
{
	size_t left = text->size - *used;

	if (*used <= left)
		return;
	memmove(text->data, text->data + *used, left);
	text->size = left;
	text->data[left] = '\0';
	*used = 0;
}

int message_flush(struct message_link *link)
{
	while (link->out_used < link->out.size) {
		ssize_t sent = send(link->fd, link->out.data + link->out_used,
			link->out.size - link->out_used, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			close_up(&link->out, &link->out_used);
			return 0;
		}
		if (sent < 0)
			return -1;
		link->out_used += sent;
	}
	text_reset(&link->out);
	link->out_used = 0;
	return 1;
}

int message_fill(struct message_link *link)
{
	char buffer[65536];

	for (;;) {
		ssize_t got = read(link->fd, buffer, sizeof(buffer));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (got <= 0)
			return -1;
		text_add_bytes(&link->in, buffer, got);
		return 1;
	}
}

int message_next(struct message_link *link, struct json **value, struct error *err)
{
	const char *start = text_get(&link->in) + link->in_used;
	size_t left = link->in.size - link->in_used;
	const char *end = memchr(start, '\n', left);

	if (!end) {
		if (left > MESSAGE_SIZE_MOST)
			return fail(err, ERROR_BROKEN, "a message of more than %d bytes",
				MESSAGE_SIZE_MOST);
		close_up(&link->in, &link->in_used);
		return 0;
	}
	autojson struct json *message = NULL;
	if (json_parse_bytes(start, end - start, &message, err) < 0)
		return fail_while(err, "a message");
	link->in_used += end + 1 - start;
	if (json_kind(message) != JSON_OBJECT)
		return fail(err, ERROR_BROKEN, "a message that is no object");
	*value = TAKE(message);
	return 1;
}

static int wait_for(int fd, short events, int timeout_msec)
{
	struct pollfd wait = {.fd = fd, .events = events};
	int ready;

	while ((ready = poll(&wait, 1, timeout_msec)) < 0 && errno == EINTR)
		;
	return ready;
}

int message_flush_wait(struct message_link *link, struct error *err)
{
	int sent;

	while ((sent = message_flush(link)) == 0)
		wait_for(link->fd, POLLOUT, -1);
	if (sent < 0)
		return fail(err, ERROR_BROKEN, "the other side is gone");
	return 0;
}

int message_send_wait(struct message_link *link, const struct json *value, struct error *err)
{
	message_queue(link, value);
	return message_flush_wait(link, err);
}

int message_receive_wait(
	struct message_link *link, int timeout_msec, struct json **value, struct error *err)
{
	for (;;) {
		int have = message_next(link, value, err);
		if (have)
			return have;
		int filled = message_fill(link);
		if (filled < 0)
			return 0;
		if (filled == 0 && wait_for(link->fd, POLLIN, timeout_msec) == 0)
			return fail(err, ERROR_TRANSIENT, "no answer within %d ms", timeout_msec);
	}
}
