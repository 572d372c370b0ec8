/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/media/http_serve.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/media/http_answer.h"
#include "base/cleanup.h"
#include "base/moment.h"

enum {
	CONNECTIONS_MOST = 64,
	HEAD_SEC = 30, /* for a whole head, from the first byte on */
	IDLE_SEC = 60, /* between two requests */
	SEND_SEC = 60, /* without a byte taken */
	DRAIN_SEC = 2, /* for what is still on its way when we have said no */
	READ_SIZE = 4096,
	PIECE = 1024 * 1024,
	LOGGED_MOST = 1000, /* requests: a guest must not fill the log */
	PATH_SHOWN = 200,
};

enum phase { PHASE_READ, PHASE_SEND, PHASE_DRAIN };

struct connection {
	int fd;
	enum phase phase;
	int64_t deadline_usec;
	struct text in; /* not yet read requests */
	struct http_answer answer;
	size_t sent; /* of the answer's bytes */
	bool keep;
	char method[16];
	char *path; /* for the log; NULL: there was none to be read */
};

struct server {
	int listener, folder;
	struct build_log *log;
	struct connection connections[CONNECTIONS_MOST];
	size_t count, requests;
};

static void wait_at_most(struct connection *connection, int64_t sec)
{
	connection->deadline_usec = moment_elapsed_usec() + sec * 1000000;
}

/* ---- the log ---- */

static void log_request(struct server *server, const struct connection *connection)
{
	CLEANUP(text_clear) struct text path = {0};
	const struct http_answer *answer = &connection->answer;
	const char *shown = connection->path ? connection->path : "?";
	size_t size = strlen(shown);

	server->requests++;
	if (server->requests == LOGGED_MOST + 1)
		build_log_say(server->log, "http: more requests are not logged");
	if (server->requests > LOGGED_MOST)
		return;
	text_add_c_escaped(&path, shown, size < PATH_SHOWN ? size : PATH_SHOWN, "");
	build_log_say(server->log, "http: %s %s%s %d, %lld bytes%s",
		*connection->method ? connection->method : "?", text_get(&path),
		size > PATH_SHOWN ? "..." : "", answer->status, (long long)answer->size,
		answer->left > 0 ? ", not all of them taken" : "");
}

/* ---- connections ---- */

static void forget_answer(struct connection *connection)
{
	http_answer_clear(&connection->answer);
	free(connection->path);
	connection->path = NULL;
	connection->sent = 0;
}

static void drop(struct server *server, struct connection *connection)
{
	if (connection->phase == PHASE_SEND)
		log_request(server, connection);
	forget_answer(connection);
	text_clear(&connection->in);
	close(connection->fd);
	connection->fd = -1;
}

/* Those that are over leave their places. */
static void close_up(struct server *server)
{
	size_t left = 0;

	for (size_t i = 0; i < server->count; i++)
		if (server->connections[i].fd >= 0)
			server->connections[left++] = server->connections[i];
	server->count = left;
}

/* The one that waits longest for a request; NULL if none does. */
static struct connection *find_idle(struct server *server)
{
	struct connection *oldest = NULL;

	for (size_t i = 0; i < server->count; i++) {
		struct connection *connection = &server->connections[i];
		if (connection->phase == PHASE_READ &&
			(!oldest || connection->deadline_usec < oldest->deadline_usec))
			oldest = connection;
	}
	return oldest;
}

static bool has_room(struct server *server)
{
	return server->count < CONNECTIONS_MOST || find_idle(server);
}

static void accept_one(struct server *server)
{
	if (server->count == CONNECTIONS_MOST) {
		drop(server, find_idle(server));
		close_up(server);
	}
	int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	struct connection *connection = &server->connections[server->count++];
	*connection = (struct connection){.fd = fd, .answer = {.fd = -1}};
	wait_at_most(connection, HEAD_SEC);
}

/* ---- requests ---- */

static void start_sending(struct connection *connection, bool keep)
{
	connection->phase = PHASE_SEND;
	connection->keep = keep;
	wait_at_most(connection, SEND_SEC);
}

static void refuse(struct connection *connection, int status)
{
	http_answer_refuse(status, false, &connection->answer);
	start_sending(connection, false);
}

/* If a whole head is there, its answer begins. */
static void take_request(struct server *server, struct connection *connection)
{
	struct text *in = &connection->in;
	size_t end = in->size ? http_request_end(in->data, in->size) : 0;
	CLEANUP(http_request_clear) struct http_request request = {0};

	if ((end ? end : in->size) > HTTP_HEAD_MOST) {
		refuse(connection, 431);
		return;
	}
	if (!end)
		return;
	int status = http_request_read(in->data, end, &request);
	memcpy(connection->method, request.method, sizeof(connection->method));
	connection->path = TAKE(request.path);
	if (status) {
		refuse(connection, status);
	} else {
		request.path = connection->path;
		http_answer_make(server->folder, &request, &connection->answer);
		request.path = NULL;
		start_sending(connection, request.keep);
	}
	memmove(in->data, in->data + end, in->size - end);
	in->size -= end;
}

static void receive(struct server *server, struct connection *connection)
{
	char buffer[READ_SIZE];
	ssize_t got = recv(connection->fd, buffer, sizeof(buffer), 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		drop(server, connection);
		return;
	}
	if (connection->phase == PHASE_DRAIN)
		return;
	if (!connection->in.size)
		wait_at_most(connection, HEAD_SEC);
	text_add_bytes(&connection->in, buffer, got);
	take_request(server, connection);
}

/* ---- answers ---- */

/* Bytes that went out now; 0: not at the moment; -1: never again. */
static ssize_t send_piece(struct connection *connection)
{
	struct http_answer *answer = &connection->answer;
	ssize_t sent;

	if (connection->sent < answer->bytes.size) {
		sent = send(connection->fd, answer->bytes.data + connection->sent,
			answer->bytes.size - connection->sent,
			MSG_NOSIGNAL | (answer->left ? MSG_MORE : 0));
		if (sent > 0)
			connection->sent += (size_t)sent;
	} else {
		off_t from = answer->from;
		size_t most = answer->left < PIECE ? (size_t)answer->left : PIECE;
		sent = sendfile(connection->fd, answer->fd, &from, most);
		if (sent == 0) /* the file became shorter: its length is promised already */
			return -1;
		if (sent > 0) {
			answer->from += sent;
			answer->left -= sent;
		}
	}
	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return sent;
}

static void end_answer(struct server *server, struct connection *connection)
{
	bool keep = connection->keep;

	log_request(server, connection);
	forget_answer(connection);
	connection->phase = keep ? PHASE_READ : PHASE_DRAIN;
	wait_at_most(connection, keep ? IDLE_SEC : DRAIN_SEC);
	if (!keep)
		shutdown(connection->fd, SHUT_WR);
	else
		take_request(server, connection); /* it may be there already */
}

static void answer(struct server *server, struct connection *connection)
{
	ssize_t sent = send_piece(connection);

	if (sent < 0) {
		drop(server, connection);
		return;
	}
	if (sent > 0)
		wait_at_most(connection, SEND_SEC);
	if (connection->sent == connection->answer.bytes.size && connection->answer.left == 0)
		end_answer(server, connection);
}

/* ---- the loop ---- */

/* Milliseconds to the next deadline, -1 for none. */
static int next_deadline(const struct server *server)
{
	int64_t now = moment_elapsed_usec(), least = INT64_MAX;

	for (size_t i = 0; i < server->count; i++)
		if (server->connections[i].deadline_usec < least)
			least = server->connections[i].deadline_usec;
	if (least == INT64_MAX)
		return -1;
	return least <= now ? 0 : (int)((least - now) / 1000 + 1);
}

static void end_late(struct server *server)
{
	int64_t now = moment_elapsed_usec();

	for (size_t i = 0; i < server->count; i++) {
		struct connection *connection = &server->connections[i];
		if (connection->fd < 0 || connection->deadline_usec > now)
			continue;
		/* a head that does not end is told so; all else knows */
		if (connection->phase == PHASE_READ && connection->in.size)
			refuse(connection, 408);
		else
			drop(server, connection);
	}
}

void http_serve(int listener, int folder, struct build_log *log)
{
	struct server server = {.listener = listener, .folder = folder, .log = log};

	for (;;) {
		struct pollfd wait[CONNECTIONS_MOST + 1] = {
			{.fd = has_room(&server) ? listener : -1, .events = POLLIN}};
		for (size_t i = 0; i < server.count; i++)
			wait[i + 1] = (struct pollfd){.fd = server.connections[i].fd,
				.events = server.connections[i].phase == PHASE_SEND ? POLLOUT
			                                                            : POLLIN};
		int ready = poll(wait, server.count + 1, next_deadline(&server));
		if (ready < 0 && errno != EINTR)
			return;
		for (size_t i = 0; ready > 0 && i < server.count; i++) {
			struct connection *connection = &server.connections[i];
			if (!wait[i + 1].revents)
				continue;
			if (connection->phase == PHASE_SEND)
				answer(&server, connection);
			else
				receive(&server, connection);
		}
		end_late(&server);
		close_up(&server);
		if (ready > 0 && wait[0].revents && has_room(&server))
			accept_one(&server);
	}
}
