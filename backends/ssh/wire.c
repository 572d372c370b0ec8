/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libssh2 reads from and writes to, in place of a socket: buffers of ours over the socket, or over a channel of another
 * session. libssh2 would make a system call for every packet in either direction, and it cannot begin a packet while another
 * is half sent; here it never is.
 */
#include "backends/ssh/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libssh2.h>

#include "base/memory.h"

enum {
	BUFFER = 512 * 1024,
	SEND_AT = 128 * 1024,
	SKIPS = 16 /* writes between two looks whether there is something to read */
};

struct wire {
	char in[BUFFER], out[BUFFER];
	size_t in_at, in_end, out_at, out_end;
	int skipped;
	bool look; /* somebody waits for what is read */
	bool cut;  /* nothing goes any more */
	bool sending; /* libssh2 (the outer session) has the beginning of `out` in its hands: it must not move */
};

/* ---- below: the socket or the tunnel ---- */

/* As recv(2) and send(2), but that an error is a negative errno. */
static ssize_t receive_below(struct link *link, char *bytes, size_t size)
{
	if (!link->tunnel) {
		ssize_t got = recv(link->fd, bytes, size, 0);
		return got < 0 ? (errno == EINTR ? -EAGAIN : -errno) : got;
	}
	/* a packet for the window must not begin before the one at hand is through */
	if (link->wire->sending)
		return -EAGAIN;
	ssize_t got = libssh2_channel_read(link->tunnel, bytes, size);
	if (got == LIBSSH2_ERROR_EAGAIN || (got == 0 && !libssh2_channel_eof(link->tunnel)))
		return -EAGAIN;
	return got < 0 ? -ECONNRESET : got;
}

static ssize_t send_below(struct link *link, const char *bytes, size_t size)
{
	if (!link->tunnel) {
		ssize_t sent = send(link->fd, bytes, size, MSG_NOSIGNAL);
		return sent < 0 ? (errno == EINTR ? -EAGAIN : -errno) : sent;
	}
	ssize_t sent = libssh2_channel_write(link->tunnel, bytes, size);
	link->wire->sending = sent == LIBSSH2_ERROR_EAGAIN;
	if (sent == 0 || sent == LIBSSH2_ERROR_EAGAIN)
		return -EAGAIN;
	return sent < 0 ? -EPIPE : sent;
}

int wire_flush(struct link *link)
{
	struct wire *wire = link->wire;
	int result = 0;

	while (wire->out_at < wire->out_end && result == 0) {
		ssize_t sent =
			send_below(link, wire->out + wire->out_at, wire->out_end - wire->out_at);
		if (sent > 0)
			wire->out_at += sent;
		else
			result = (int)sent;
	}
	if (wire->out_at == wire->out_end)
		wire->out_at = wire->out_end = 0;
	if (link->outer && wire_flush(link->outer) < 0 && result == 0)
		result = -EAGAIN;
	return result;
}

bool wire_has_more(const struct link *link)
{
	return link->wire->in_at < link->wire->in_end;
}

bool wire_is_full(const struct link *link)
{
	return link->wire->out_at < link->wire->out_end;
}

void wire_look(struct link *link)
{
	for (; link; link = link->outer)
		link->wire->look = true;
}

void wire_cut(struct link *link)
{
	if (link->wire)
		link->wire->cut = true;
}

/* ---- above: libssh2 ---- */

static ssize_t receive(
	libssh2_socket_t socket, void *buffer, size_t size, int flags, void **abstract)
{
	struct link *link = *abstract;
	struct wire *wire = link->wire;

	(void)socket, (void)flags;
	if (wire->cut)
		return -ECONNRESET;
	if (wire->in_at == wire->in_end) {
		if (!wire->look && ++wire->skipped < SKIPS)
			return -EAGAIN;
		wire->skipped = 0;
		ssize_t got = receive_below(link, wire->in, sizeof(wire->in));
		if (got <= 0) {
			wire->look = false;
			return got;
		}
		wire->in_at = 0;
		wire->in_end = got;
	}
	size_t got = wire->in_end - wire->in_at < size ? wire->in_end - wire->in_at : size;
	memcpy(buffer, wire->in + wire->in_at, got);
	wire->in_at += got;
	return got;
}

/* Room for SIZE bytes behind what waits. */
static bool make_room(struct wire *wire, size_t size)
{
	size_t waiting = wire->out_end - wire->out_at;

	if (sizeof(wire->out) - wire->out_end >= size)
		return true;
	if (wire->sending || sizeof(wire->out) - waiting < size)
		return false;
	memmove(wire->out, wire->out + wire->out_at, waiting);
	wire->out_at = 0;
	wire->out_end = waiting;
	return true;
}

/* All or nothing. */
static ssize_t transmit(
	libssh2_socket_t socket, const void *buffer, size_t size, int flags, void **abstract)
{
	struct link *link = *abstract;
	struct wire *wire = link->wire;
	int result = 0;

	(void)socket, (void)flags;
	if (wire->cut)
		return -EPIPE;
	if (!make_room(wire, size)) {
		result = wire_flush(link);
		if (!make_room(wire, size))
			return result ? result : -EAGAIN;
	}
	memcpy(wire->out + wire->out_end, buffer, size);
	wire->out_end += size;
	if (wire->out_end - wire->out_at >= SEND_AT)
		result = wire_flush(link);
	return result < 0 && result != -EAGAIN ? result : (ssize_t)size;
}

typedef void callback(void);

static void set_callback(struct link *link, int which, callback *function)
{
	union {
		callback *function;
		void *pointer;
	} both = {function};

	libssh2_session_callback_set(link->session, which, both.pointer);
}

static int open_tunnel(struct link *link, struct error *err)
{
	struct link *outer = link->outer;
	int code = 0;

	link->tunnel = LINK_TRY_POINTER(outer, err, &code,
		libssh2_channel_direct_tcpip_ex(
			outer->session, link->host->host, link->host->port, "127.0.0.1", 0));
	if (link->tunnel)
		return 0;
	link_failed(outer, code, "the bastion does not connect", err);
	return fail_while(err, "%s", link->name);
}

int wire_open(struct link *link, struct error *err)
{
	link->wire = memory_new(sizeof(*link->wire));
	link->wire->look = true;
	set_callback(link, LIBSSH2_CALLBACK_SEND, (callback *)transmit);
	set_callback(link, LIBSSH2_CALLBACK_RECV, (callback *)receive);
	return link->outer ? open_tunnel(link, err) : 0;
}
