/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

enum {
	CLIENTS_MOST = 512, /* of a descriptor each, of which workers need some */
	ACCEPTS_MOST =
		1000, /* a second: where no descriptor is left the kernel would have us try for ever */
};

struct attached {
	struct server *server;
	struct client *client;
	sd_event_source *io;
};

struct server {
	sd_event *event;
	sd_event_source *accepting, *shared;
	struct server_hooks hooks;
	struct client *clients; /* the last that came first */
	size_t count;
	char *path, *shared_path; /* shared_path NULL: there is none */
};

/* ---- clients ---- */

static void accept_more(struct server *server, bool more)
{
	sd_event_source_set_enabled(server->accepting, more ? SD_EVENT_ON : SD_EVENT_OFF);
	if (server->shared)
		sd_event_source_set_enabled(server->shared, more ? SD_EVENT_ON : SD_EVENT_OFF);
}

static void remove_client(struct server *server, struct client *client)
{
	struct attached *attached = client->attached;

	for (struct client **at = &server->clients; *at; at = &(*at)->next) {
		if (*at != client)
			continue;
		*at = client->next;
		server->count--;
		accept_more(server, true);
		break;
	}
	server->hooks.left(server->hooks.context, client);
	if (attached)
		sd_event_source_disable_unref(attached->io);
	free(attached);
	json_free(client->request);
	message_link_clear(&client->link);
	free(client);
}

static void take_message(struct server *server, struct client *client, struct json *message)
{
	const char *interrupt = json_get_text(message, "interrupt", NULL);

	if (!client->request && !interrupt) {
		client->request = message;
		server->hooks.asked(server->hooks.context, client);
		return;
	}
	if (interrupt)
		server->hooks.interrupted(
			server->hooks.context, client, strcmp(interrupt, "stop") == 0);
	json_free(message);
}

static void take_messages(struct server *server, struct client *client)
{
	struct json *message;
	struct error err;
	int have;

	while ((have = message_next(&client->link, &message, &err)) > 0)
		take_message(server, client, message);
	if (have < 0)
		client->gone = true;
}

static int on_client(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct attached *attached = context;
	struct client *client = attached->client;

	(void)source;
	(void)fd;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		if (message_fill(&client->link) < 0)
			client->gone = true;
		take_messages(attached->server, client);
	}
	return 0;
}

int server_add(struct server *server, struct client *client, struct error *err)
{
	struct attached *attached = memory_new(sizeof(*attached));

	*attached = (struct attached){server, client, NULL};
	client->attached = attached;
	client->next = server->clients;
	server->clients = client;
	server->count++;
	int result = sd_event_add_io(
		server->event, &attached->io, client->link.fd, EPOLLIN, on_client, attached);
	if (result < 0) {
		remove_client(server, client);
		return fail(err, ERROR_RESOURCE, "a client: %s", strerror(-result));
	}
	if (client->request)
		server->hooks.asked(server->hooks.context, client);
	else
		take_messages(server, client);
	return 0;
}

bool server_flush(struct server *server)
{
	struct client *next;
	bool left = false;

	for (struct client *client = server->clients; client; client = next) {
		struct attached *attached = client->attached;
		next = client->next;
		int sent = client->gone ? -1 : message_flush(&client->link);
		if (sent < 0 || (sent > 0 && client->ended)) {
			remove_client(server, client);
			left = true;
		} else {
			sd_event_source_set_io_events(
				attached->io, sent == 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
		}
	}
	return left;
}

bool server_has_clients(const struct server *server)
{
	return server->clients != NULL;
}

/* ---- the socket ---- */

/* Whoever has been there for longest and asked nothing yet. */
static struct client *find_silent(struct server *server)
{
	struct client *found = NULL;

	for (struct client *client = server->clients; client; client = client->next)
		if (!client->request)
			found = client;
	return found;
}

static void make_room(struct server *server)
{
	struct client *silent = find_silent(server);

	if (server->count < CLIENTS_MOST)
		return;
	if (silent)
		remove_client(server, silent);
	else
		accept_more(server, false); /* the others wait until somebody leaves */
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct error ignored;
	int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)source;
	(void)events;
	if (connection < 0)
		return 0;
	struct client *client = memory_new(sizeof(*client));
	message_link_init(&client->link, connection);
	server_add(context, client, &ignored);
	make_room(context);
	return 0;
}

/* Bound by way of the folder's descriptor: its path may be longer than an address can be. */
static int open_socket(const char *path, mode_t mode, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	autofree char *parent = memory_copy_bytes(path, strrchr(path, '/') - path);
	autoclose int folder = folder_open(AT_FDCWD, parent, err);
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const char *name = strrchr(path, '/') + 1;

	if (folder < 0)
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", folder, name);
	if (fd < 0 || (unlinkat(folder, name, 0) < 0 && errno != ENOENT) ||
		bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		fchmodat(folder, name, mode, 0) < 0 || listen(fd, SOMAXCONN) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", path);
	return TAKE_FD(fd);
}

static int listen_at(struct server *server, const char *path, mode_t mode,
	sd_event_source **accepting, struct error *err)
{
	int fd = open_socket(path, mode, err);

	if (fd < 0)
		return -1;
	int result = sd_event_add_io(server->event, accepting, fd, EPOLLIN, on_connection, server);
	if (result < 0) {
		close(fd);
		return fail(err, ERROR_RESOURCE, "%s: %s", path, strerror(-result));
	}
	sd_event_source_set_io_fd_own(*accepting, true);
	sd_event_source_set_ratelimit(*accepting, 1000000, ACCEPTS_MOST);
	return 0;
}

int server_new(struct sd_event *event, const char *state, const struct server_hooks *hooks,
	struct server **server, struct error *err)
{
	struct server *made = memory_new(sizeof(*made));
	const char *shared = getenv("KILN_SHARED_SOCKET");

	*made = (struct server){
		.event = event, .hooks = *hooks, .path = memory_printf("%s/control.sock", state)};
	int result = listen_at(made, made->path, 0600, &made->accepting, err);
	if (result == 0 && shared && *shared == '/') {
		made->shared_path = memory_copy_text(shared);
		result = listen_at(made, made->shared_path, 0660, &made->shared, err);
	}
	if (result < 0) {
		server_free(made);
		return -1;
	}
	*server = made;
	return 0;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	while (server->clients)
		remove_client(server, server->clients);
	if (server->accepting)
		unlink(server->path);
	if (server->shared)
		unlink(server->shared_path);
	sd_event_source_disable_unref(server->accepting);
	sd_event_source_disable_unref(server->shared);
	free(server->shared_path);
	free(server->path);
	free(server);
}
