/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/ssh/channel.h"

#include <string.h>

#include <libssh2.h>

enum { SAID_MOST = 1024 };

/* Standard error is read too, or the other side would wait for room; its beginning goes into errors. */
static void listen(struct stream *stream)
{
	char buffer[4096];
	ssize_t got;

	while ((got = libssh2_channel_read_stderr(stream->channel, buffer, sizeof(buffer))) > 0)
		if (stream->said.size < SAID_MOST)
			text_add_bytes(&stream->said, buffer, got);
}

/* One line of what it said, without what a terminal would do with it. */
static void add_said(const struct stream *stream, struct text *out)
{
	const char *text = text_get(&stream->said);

	for (const char *c = text; *c; c++)
		if (*c == '\n' && c[1])
			text_add(out, "; ");
		else if ((unsigned char)*c >= ' ')
			text_add_char(out, *c);
}

static int describe_end(struct stream *stream, int code, struct error *err)
{
	CLEANUP(text_clear) struct text said = {0};
	const char *host = stream->link->name;

	if (code == COMMUNICATOR_DISCONNECTED)
		return fail(err, ERROR_TRANSIENT, "%s: the connection is lost", host);
	add_said(stream, &said);
	if (code == EXIT_NOT_FOUND)
		return fail(err, ERROR_CATALOG, "%s has no %s%s%s: %s", host, stream->program,
			said.size ? ": " : "", text_get(&said), stream->otherwise);
	return fail(err, ERROR_CATALOG, "%s: %s ended with code %d%s%s", host, stream->program,
		code, said.size ? ": " : "", text_get(&said));
}

/* The program ended where it should not. */
static int fail_ended(struct stream *stream, struct error *err)
{
	char signal[16];
	int code;

	listen(stream);
	if (channel_finish(stream->link, stream->channel, &code, signal, err) < 0)
		return -1;
	return describe_end(stream, code, err);
}

int stream_open(struct stream *stream, struct link *link, const char *command, struct error *err)
{
	stream->link = link;
	stream->channel = channel_open(link, err);
	return stream->channel ? channel_exec(link, stream->channel, command, err) : -1;
}

void stream_close(struct stream *stream)
{
	if (stream->channel)
		channel_close(stream->link, stream->channel);
	text_clear(&stream->said);
}

int stream_write(struct stream *stream, const void *bytes, size_t size, struct error *err)
{
	struct link *link = stream->link;

	while (size) {
		ssize_t sent = libssh2_channel_write(stream->channel, bytes, size);
		if (sent > 0) {
			bytes = (const char *)bytes + sent;
			size -= sent;
			continue;
		}
		if (sent == LIBSSH2_ERROR_EAGAIN && !libssh2_channel_eof(stream->channel)) {
			if (link_wait(link, err) < 0)
				return -1;
			continue;
		}
		/* it is not there any more */
		if (sent == 0 || sent == LIBSSH2_ERROR_EAGAIN ||
			sent == LIBSSH2_ERROR_CHANNEL_CLOSED ||
			sent == LIBSSH2_ERROR_CHANNEL_EOF_SENT)
			return fail_ended(stream, err);
		return link_failed(link, sent, stream->program, err);
	}
	return patience_check(&link->patience, err);
}

static int fill(struct stream *stream, struct error *err)
{
	struct link *link = stream->link;

	for (;;) {
		ssize_t got =
			libssh2_channel_read(stream->channel, stream->ahead, sizeof(stream->ahead));
		if (got > 0) {
			stream->at = 0;
			stream->end = got;
			return patience_check(&link->patience, err);
		}
		if (got < 0 && got != LIBSSH2_ERROR_EAGAIN)
			return link_failed(link, got, stream->program, err);
		listen(stream);
		if (libssh2_channel_eof(stream->channel))
			return fail_ended(stream, err);
		if (link_wait(link, err) < 0)
			return -1;
	}
}

ssize_t stream_read(struct stream *stream, void *bytes, size_t size, struct error *err)
{
	if (stream->at == stream->end && fill(stream, err) < 0)
		return -1;
	size_t got = stream->end - stream->at < size ? stream->end - stream->at : size;
	memcpy(bytes, stream->ahead + stream->at, got);
	stream->at += got;
	return got;
}

int stream_finish(struct stream *stream, struct error *err)
{
	struct link *link = stream->link;
	char signal[16], rest[4096];
	ssize_t got;
	int code;

	long result = LINK_TRY(link, err, libssh2_channel_send_eof(stream->channel));
	if (result < 0)
		return link_failed(link, result, stream->program, err);
	while ((got = libssh2_channel_read(stream->channel, rest, sizeof(rest))) > 0 ||
		!libssh2_channel_eof(stream->channel)) {
		if (got < 0 && got != LIBSSH2_ERROR_EAGAIN)
			return link_failed(link, got, stream->program, err);
		listen(stream);
		if (got <= 0 && link_wait(link, err) < 0)
			return -1;
	}
	if (channel_finish(link, stream->channel, &code, signal, err) < 0)
		return -1;
	return code == 0 ? 0 : describe_end(stream, code, err);
}
