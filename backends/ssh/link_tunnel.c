/* SPDX-License-Identifier: Apache-2.0 */
/* A session inside of another one's channel: libssh2 gets its bytes from us instead of from a socket. */
#include "backends/ssh/link.h"

#include <errno.h>
#include <stdio.h>

#include <libssh2.h>

/* LINK->tunnel is NULL when the session is only torn down. */
static ssize_t receive(
	libssh2_socket_t socket, void *buffer, size_t size, int flags, void **abstract)
{
	struct link *link = *abstract;

	(void)socket, (void)flags;
	if (!link->tunnel)
		return -ECONNRESET;
	/* libssh2 refuses to begin a packet (for the window) before the one at hand is through */
	if (link->tunnel_sending)
		return -EAGAIN;
	ssize_t got = libssh2_channel_read(link->tunnel, buffer, size);
	if (got > 0)
		return got;
	if (got == LIBSSH2_ERROR_EAGAIN)
		return -EAGAIN;
	if (got == 0)
		return libssh2_channel_eof(link->tunnel) ? 0 : -EAGAIN;
	link->outer->dead = true;
	return -ECONNRESET;
}

static ssize_t transmit(
	libssh2_socket_t socket, const void *buffer, size_t size, int flags, void **abstract)
{
	struct link *link = *abstract;

	(void)socket, (void)flags;
	if (!link->tunnel)
		return -EPIPE;
	ssize_t sent = libssh2_channel_write(link->tunnel, buffer, size);
	link->tunnel_sending = sent == LIBSSH2_ERROR_EAGAIN;
	if (sent > 0)
		return sent;
	if (sent == 0 || sent == LIBSSH2_ERROR_EAGAIN)
		return -EAGAIN;
	link->outer->dead = true;
	return -EPIPE;
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

int link_tunnel_open(struct link *link, struct error *err)
{
	struct link *outer = link->outer;
	int code;

	link->tunnel = LINK_TRY_POINTER(outer, err, &code,
		libssh2_channel_direct_tcpip_ex(
			outer->session, link->host->host, link->host->port, "127.0.0.1", 0));
	if (!link->tunnel) {
		link_failed(outer, code, "the bastion does not connect", err);
		return fail_while(err, "%s", link->name);
	}
	set_callback(link, LIBSSH2_CALLBACK_SEND, (callback *)transmit);
	set_callback(link, LIBSSH2_CALLBACK_RECV, (callback *)receive);
	return 0;
}
