/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/media/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "backends/media/http_serve.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/process.h"

enum { BACKLOG = 64, PORT_MOST = 65535, NOBODY = 65534 };

#define DEFAULT_ADDRESS "127.0.0.1"
#define PLACE "http" /* in the work folder */

/* ---- listening ---- */

static int parse_address(
	const char *text, struct sockaddr_storage *address, socklen_t *size, struct error *err)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found;

	if (getaddrinfo(text, NULL, &hints, &found) != 0)
		return fail(err, ERROR_CATALOG, "http_bind_address: '%s' is no IP address", text);
	memcpy(address, found->ai_addr, found->ai_addrlen);
	*size = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static void set_port(struct sockaddr_storage *address, int port)
{
	if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *)address)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)address)->sin_port = htons((uint16_t)port);
}

static int get_port(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return 0;
	return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
						   : ((struct sockaddr_in *)&address)->sin_port);
}

/* -1 and errno: EADDRINUSE if somebody else has the port. */
static int listen_at(const struct sockaddr_storage *address, socklen_t size)
{
	autoclose int fd =
		socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(fd, (const struct sockaddr *)address, size) < 0 || listen(fd, BACKLOG) < 0)
		return -1;
	return TAKE_FD(fd);
}

/* All ports of the range in turn, from a random one on: builds that start together do not run after each other. */
static int listen_somewhere(const struct http_settings *settings, struct error *err)
{
	const char *text = *settings->address ? settings->address : DEFAULT_ADDRESS;
	int min = settings->port_min, max = settings->port_max;
	struct sockaddr_storage address = {0};
	socklen_t size;
	unsigned random = 0;

	if (min < 0 || max > PORT_MOST || max < min)
		return fail(err, ERROR_CATALOG,
			"http_port_min (%d) and http_port_max (%d) are no range of ports", min,
			max);
	if (parse_address(text, &address, &size, err) < 0)
		return -1;
	unsigned count = max > min ? (unsigned)(max - min) : 1;
	if (getrandom(&random, sizeof(random), 0) < 0)
		random = (unsigned)getpid();
	for (unsigned i = 0; i < count; i++) {
		set_port(&address, min + (int)((random % count + i) % count));
		int fd = listen_at(&address, size);
		if (fd >= 0)
			return fd;
		if (errno != EADDRINUSE && errno != EACCES)
			return fail_errno(err,
				errno == EADDRNOTAVAIL ? ERROR_CATALOG : ERROR_RESOURCE,
				"the HTTP server cannot listen at %s", text);
	}
	return fail(err, ERROR_RESOURCE,
		"no port of %s from %d up to %d is free for the HTTP server (http_port_min, "
		"http_port_max)",
		text, min, (int)(min + count - 1));
}

/*
 * The folder can be entered by everybody who is past those above it, which are the state folder's owner's alone: a process that was put there
 * before it gave up its rights. The address goes through a descriptor: a path may be longer than it has room for.
 */
static int listen_unseen(const struct job *job, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	autoclose int place = folder_make_inside(job->work_fd, PLACE, 0711, err);
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (place < 0)
		return -1;
	snprintf(
		address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" HTTP_SOCKET, place);
	unlinkat(place, HTTP_SOCKET, 0);
	if (fd < 0 || fchmod(place, 0711) < 0 ||
		bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		fchmodat(place, HTTP_SOCKET, 0666, 0) < 0 || listen(fd, BACKLOG) < 0)
		return fail_errno(err, ERROR_RESOURCE, "cannot make the socket " PLACE);
	return TAKE_FD(fd);
}

/* ---- the process ---- */

/* It talks to strangers: of root's power it needs none, what it serves everybody may read. */
static bool drop_powers(void)
{
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
		return false;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static void become_server(struct job *job, int listener, int folder, pid_t worker)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	int kept[] = {listener, folder, job->log.fd};
	process_close_others(kept, sizeof(kept) / sizeof(*kept));
	if (!drop_powers())
		_exit(1);
	/* after the change of user, which undoes it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != worker)
		_exit(0);
	http_serve(listener, folder, &job->log);
	_exit(1);
}

static int start(struct job *job, int listener, int folder, pid_t *pid, struct error *err)
{
	pid_t worker = getpid(), child = fork();

	if (child < 0)
		return fail_errno(err, ERROR_RESOURCE, "cannot fork");
	if (child == 0)
		become_server(job, listener, folder, worker);
	*pid = child;
	return 0;
}

int http_server_start(struct job *job, int folder, const struct http_settings *settings,
	struct http_server *server, struct error *err)
{
	*server = (struct http_server){0};
	autoclose int listener = listen_somewhere(settings, err);
	if (listener < 0 || start(job, listener, folder, &server->pid, err) < 0)
		return -1;
	server->port = get_port(listener);
	build_log_say(&job->log, "http_directory is served at %s, port %d",
		*settings->address ? settings->address : DEFAULT_ADDRESS, server->port);
	return 0;
}

int http_server_start_unseen(
	struct job *job, int folder, struct http_server *server, char **place, struct error *err)
{
	*server = (struct http_server){0};
	autoclose int listener = listen_unseen(job, err);
	if (listener < 0 || start(job, listener, folder, &server->pid, err) < 0)
		return -1;
	*place = memory_printf("%s/work/" PLACE, job->folder);
	build_log_say(&job->log, "http_directory is served to the machine alone, at no port of "
				 "this one");
	return 0;
}

void http_server_stop(struct http_server *server)
{
	if (!server->pid)
		return;
	kill(server->pid, SIGKILL);
	process_wait(server->pid);
	*server = (struct http_server){0};
}
