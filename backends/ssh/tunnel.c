/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tunnels over one link, in a loop that does nothing else: no call waits. A channel that nothing runs in is read all the time, so
 * that whatever comes is taken in also while no tunnel is used.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libssh2.h>

#include "backends/ssh/channel.h"
#include "backends/ssh/session.h"
#include "base/cleanup.h"
#include "base/memory.h"

enum {
	WAYS_MOST = 64,
	PIECE = 32 * 1024,
	QUEUE = 16, /* of connections that the host holds for us */
	TICK_MSEC = 1000,
	ROUNDS_MOST = 64, /* before somebody else's turn comes */
};

/* Bytes on their way in one direction. */
struct pipe {
	size_t at, end;
	bool ended; /* no more come */
	bool told;  /* and the other end knows */
	char bytes[PIECE];
};

/* One connection through a tunnel. */
struct way {
	enum { WAY_OPENS, WAY_DIALS, WAY_OPEN, WAY_CLOSES } phase;
	const struct ssh_tunnel *tunnel;
	int fd;
	LIBSSH2_CHANNEL *channel;      /* NULL: the host is being asked for it */
	struct addrinfo *found, *next; /* addresses to be dialled */
	struct pipe up, down;          /* to the host, and from it */
};

struct tunnels {
	struct link *link;
	const struct tunnel_listener *listeners;
	size_t listener_count;
	const struct ssh_tunnels *remote;
	LIBSSH2_LISTENER **there; /* one for each of REMOTE */
	LIBSSH2_CHANNEL *idle;
	struct way *ways[WAYS_MOST];
	size_t count;
	bool lost;
};

/* ---- ways come and go ---- */

static struct way *add_way(struct tunnels *tunnels, const struct ssh_tunnel *tunnel)
{
	struct way *way = memory_new(sizeof(*way));

	way->tunnel = tunnel;
	way->fd = -1;
	return tunnels->ways[tunnels->count++] = way;
}

static void free_way(struct way *way)
{
	if (way->found)
		freeaddrinfo(way->found);
	cleanup_close(&way->fd);
	free(way);
}

/* libssh2 opens one channel at a time. */
static bool is_opening(const struct tunnels *tunnels)
{
	for (size_t i = 0; i < tunnels->count; i++)
		if (tunnels->ways[i]->phase == WAY_OPENS)
			return true;
	return false;
}

static bool accept_here(struct tunnels *tunnels)
{
	for (size_t i = 0; i < tunnels->listener_count; i++) {
		if (tunnels->count == WAYS_MOST || is_opening(tunnels))
			return false;
		int fd =
			accept4(tunnels->listeners[i].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			continue;
		add_way(tunnels, tunnels->listeners[i].tunnel)->fd = fd;
		return true;
	}
	return false;
}

/* The next address; where none is left the way is closed. */
static void dial_next(struct way *way)
{
	for (; way->next; way->next = way->next->ai_next) {
		cleanup_close(&way->fd);
		way->fd = socket(way->next->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			way->next->ai_protocol);
		if (way->fd >= 0 &&
			(connect(way->fd, way->next->ai_addr, way->next->ai_addrlen) == 0 ||
				errno == EINPROGRESS)) {
			way->phase = WAY_DIALS;
			return;
		}
	}
	way->phase = WAY_CLOSES;
}

static bool accept_there(struct tunnels *tunnels)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

	for (size_t i = 0; i < tunnels->remote->count && tunnels->count < WAYS_MOST; i++) {
		const struct ssh_tunnel *tunnel = &tunnels->remote->items[i];
		LIBSSH2_CHANNEL *channel = libssh2_channel_forward_accept(tunnels->there[i]);
		if (!channel)
			continue;
		struct way *way = add_way(tunnels, tunnel);
		char port[16];
		way->channel = channel;
		snprintf(port, sizeof(port), "%d", tunnel->to_port);
		if (getaddrinfo(tunnel->host, port, &hints, &way->found) != 0)
			way->found = NULL;
		way->next = way->found;
		dial_next(way);
		return true;
	}
	return false;
}

/* ---- what a way does next; true: it did something ---- */

static bool open_channel(struct tunnels *tunnels, struct way *way)
{
	const struct ssh_tunnel *tunnel = way->tunnel;

	way->channel = libssh2_channel_direct_tcpip_ex(
		tunnels->link->session, tunnel->host, tunnel->to_port, "127.0.0.1", tunnel->port);
	if (!way->channel &&
		libssh2_session_last_errno(tunnels->link->session) == LIBSSH2_ERROR_EAGAIN)
		return false;
	way->phase = way->channel ? WAY_OPEN : WAY_CLOSES;
	return true;
}

static bool finish_dialling(struct way *way)
{
	struct pollfd wait = {.fd = way->fd, .events = POLLOUT};
	int code = 0;
	socklen_t size = sizeof(code);

	if (poll(&wait, 1, 0) == 0)
		return false;
	if (getsockopt(way->fd, SOL_SOCKET, SO_ERROR, &code, &size) == 0 && code == 0) {
		way->phase = WAY_OPEN;
		return true;
	}
	way->next = way->next->ai_next;
	dial_next(way);
	return true;
}

static bool is_empty(const struct pipe *pipe)
{
	return pipe->at == pipe->end;
}

/* Takes what a read gave, as it says that. -1: the way is broken. */
static int fill(struct pipe *pipe, ssize_t got, bool again, bool ended)
{
	if (got > 0) {
		pipe->at = 0;
		pipe->end = (size_t)got;
		return 1;
	}
	pipe->ended = ended;
	return got < 0 && !again ? -1 : ended;
}

/* From here to the host. A packet is only begun when the last one is through: libssh2 cannot have two. */
static int pump_up(struct tunnels *tunnels, struct way *way)
{
	struct pipe *pipe = &way->up;
	int did = 0;

	if (is_empty(pipe) && !pipe->ended) {
		ssize_t got = recv(way->fd, pipe->bytes, PIECE, 0);
		did = fill(pipe, got, errno == EAGAIN || errno == EINTR, got == 0);
		if (did < 0)
			return -1;
	}
	if (wire_is_full(tunnels->link) && wire_flush(tunnels->link) < 0)
		return did;
	if (!is_empty(pipe)) {
		ssize_t sent = libssh2_channel_write(
			way->channel, pipe->bytes + pipe->at, pipe->end - pipe->at);
		if (sent < 0 && sent != LIBSSH2_ERROR_EAGAIN)
			return -1;
		pipe->at += sent > 0 ? (size_t)sent : 0;
		return did || sent > 0;
	}
	if (pipe->ended && !pipe->told) {
		int code = libssh2_channel_send_eof(way->channel);
		if (code < 0 && code != LIBSSH2_ERROR_EAGAIN)
			return -1;
		pipe->told = code == 0;
		return did || pipe->told;
	}
	return did;
}

static int pump_down(struct way *way)
{
	struct pipe *pipe = &way->down;
	int did = 0;

	if (is_empty(pipe) && !pipe->ended) {
		ssize_t got = libssh2_channel_read(way->channel, pipe->bytes, PIECE);
		did = fill(pipe, got, got == LIBSSH2_ERROR_EAGAIN,
			got <= 0 && libssh2_channel_eof(way->channel));
		if (did < 0)
			return -1;
	}
	if (!is_empty(pipe)) {
		ssize_t sent =
			send(way->fd, pipe->bytes + pipe->at, pipe->end - pipe->at, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		pipe->at += sent > 0 ? (size_t)sent : 0;
		return did || sent > 0;
	}
	if (pipe->ended && !pipe->told) {
		shutdown(way->fd, SHUT_WR);
		pipe->told = true;
		return 1;
	}
	return did;
}

static bool pump(struct tunnels *tunnels, struct way *way)
{
	int up = pump_up(tunnels, way), down = up < 0 ? -1 : pump_down(way);

	if (up < 0 || down < 0 || (way->up.told && way->down.told)) {
		way->phase = WAY_CLOSES;
		return true;
	}
	return up || down;
}

/* It is gone when the host says so too. */
static bool close_way(struct tunnels *tunnels, size_t index)
{
	struct way *way = tunnels->ways[index];

	cleanup_close(&way->fd);
	if (way->channel && libssh2_channel_free(way->channel) == LIBSSH2_ERROR_EAGAIN)
		return false;
	free_way(way);
	tunnels->ways[index] = tunnels->ways[--tunnels->count];
	return true;
}

static bool go_on(struct tunnels *tunnels, size_t index)
{
	struct way *way = tunnels->ways[index];

	switch (way->phase) {
	case WAY_OPENS:
		return open_channel(tunnels, way);
	case WAY_DIALS:
		return finish_dialling(way);
	case WAY_OPEN:
		return pump(tunnels, way);
	case WAY_CLOSES:
		break;
	}
	return close_way(tunnels, index);
}

/* ---- the loop ---- */

/* Takes in what the host sent, for all channels. */
static void look(struct tunnels *tunnels)
{
	char byte;

	wire_look(tunnels->link);
	ssize_t got = libssh2_channel_read(tunnels->idle, &byte, 1);
	if ((got < 0 && got != LIBSSH2_ERROR_EAGAIN) || libssh2_channel_eof(tunnels->idle))
		tunnels->lost = true;
}

/* One turn of everything that can go on. */
static bool turn(struct tunnels *tunnels)
{
	bool did = false;

	look(tunnels);
	did |= accept_here(tunnels);
	did |= accept_there(tunnels);
	for (size_t i = tunnels->count; i-- > 0 && !tunnels->lost;)
		did |= go_on(tunnels, i);
	wire_flush(tunnels->link);
	return did && !tunnels->lost;
}

/* What a way's socket is waited for. */
static short events_of(const struct way *way)
{
	short events = 0;

	if (way->phase == WAY_DIALS)
		return POLLOUT;
	if (way->phase != WAY_OPEN)
		return 0;
	if (is_empty(&way->up) && !way->up.ended)
		events |= POLLIN;
	if (!is_empty(&way->down))
		events |= POLLOUT;
	return events;
}

static void wait_for_more(struct tunnels *tunnels, bool at_once)
{
	struct pollfd *wait = memory_new((1 + tunnels->listener_count + WAYS_MOST) * sizeof(*wait));
	bool room = tunnels->count < WAYS_MOST && !is_opening(tunnels);
	size_t count = 0;

	wait[count++] = (struct pollfd){.fd = tunnels->link->fd,
		.events = POLLIN | (wire_is_full(tunnels->link) ? POLLOUT : 0)};
	for (size_t i = 0; room && i < tunnels->listener_count; i++)
		wait[count++] = (struct pollfd){.fd = tunnels->listeners[i].fd, .events = POLLIN};
	for (size_t i = 0; i < tunnels->count; i++) {
		short events = events_of(tunnels->ways[i]);
		wait[count++] =
			(struct pollfd){.fd = events ? tunnels->ways[i]->fd : -1, .events = events};
	}
	poll(wait, count, at_once || link_has_more(tunnels->link) ? 0 : TICK_MSEC);
	free(wait);
	link_keep_alive(tunnels->link);
}

/* ---- beginning and end ---- */

static int listen_there(struct tunnels *tunnels, struct error *err)
{
	struct link *link = tunnels->link;

	tunnels->there = memory_new((tunnels->remote->count + 1) * sizeof(LIBSSH2_LISTENER *));
	for (size_t i = 0; i < tunnels->remote->count; i++) {
		int code = 0, port = tunnels->remote->items[i].port;
		tunnels->there[i] = LINK_TRY_POINTER(link, err, &code,
			libssh2_channel_forward_listen_ex(
				link->session, "localhost", port, NULL, QUEUE));
		if (tunnels->there[i])
			continue;
		link_failed(link, code, "ssh_remote_tunnels", err);
		if (!link->dead)
			return fail(err, ERROR_CATALOG,
				"ssh_remote_tunnels: %s does not listen at its port %d for us",
				link->name, port);
		return -1;
	}
	return 0;
}

/* What libssh2 has goes with its session. */
static void clear(struct tunnels *tunnels)
{
	for (size_t i = 0; i < tunnels->count; i++)
		free_way(tunnels->ways[i]);
	free(tunnels->there);
}

int tunnel_serve(struct link *link, const struct tunnel_listener *listeners, size_t count,
	const struct ssh_tunnels *remote, void (*ready)(void *context), void *context,
	struct error *err)
{
	CLEANUP(clear)
	struct tunnels tunnels = {
		.link = link, .listeners = listeners, .listener_count = count, .remote = remote};

	tunnels.idle = channel_open(link, err);
	if (!tunnels.idle || listen_there(&tunnels, err) < 0)
		return -1;
	ready(context);
	while (!tunnels.lost) {
		int rounds = 0;
		bool more = true;
		while (more && rounds++ < ROUNDS_MOST)
			more = turn(&tunnels);
		if (!tunnels.lost)
			wait_for_more(&tunnels, more);
	}
	return 0;
}
