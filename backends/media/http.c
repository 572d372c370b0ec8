/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/media/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/media/http_serve.h"
#include "base/cleanup.h"
#include "base/process.h"

enum { BACKLOG = 64, PORT_MOST = 65535, NOBODY = 65534 };

#define DEFAULT_ADDRESS "127.0.0.1"

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

/* ---- the process ---- */

static void close_between(int first, int last)
{
	if (first <= last)
		close_range((unsigned)first, (unsigned)last, 0);
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Of what the worker has open it keeps what it needs. */
static void close_others(int listener, int folder, int log)
{
	int kept[] = {STDERR_FILENO, listener, folder, log};
	const int count = sizeof(kept) / sizeof(*kept);

	qsort(kept, count, sizeof(*kept), compare);
	for (int i = 0; i < count; i++)
		close_between(kept[i] + 1, i + 1 < count ? kept[i + 1] - 1 : INT_MAX);
}

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
	close_others(listener, folder, job->log.fd);
	if (!drop_powers())
		_exit(1);
	/* after the change of user, which undoes it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != worker)
		_exit(0);
	http_serve(listener, folder, &job->log);
	_exit(1);
}

int http_server_start(struct job *job, int folder, const struct http_settings *settings,
	struct http_server *server, struct error *err)
{
	pid_t worker = getpid();

	*server = (struct http_server){0};
	autoclose int listener = listen_somewhere(settings, err);
	if (listener < 0)
		return -1;
	pid_t pid = fork();
	if (pid < 0)
		return fail_errno(err, ERROR_RESOURCE, "cannot fork");
	if (pid == 0)
		become_server(job, listener, folder, worker);
	*server = (struct http_server){pid, get_port(listener)};
	build_log_say(&job->log, "http_directory is served at %s, port %d",
		*settings->address ? settings->address : DEFAULT_ADDRESS, server->port);
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
