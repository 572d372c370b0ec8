/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/ssh/link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/memory.h"

enum { UNANSWERED_MSEC = 60 * 1000, KEEP_ALIVES = 4 };

/* ---- names ---- */

/* What the resolver's own thread works on: it outlives us where a name server does not answer. */
struct lookup {
	struct gaicb request, *list[1];
	struct addrinfo hints;
	char *host, port[16];
};

static void lookup_free(struct lookup *lookup)
{
	if (lookup->request.ar_result)
		freeaddrinfo(lookup->request.ar_result);
	free(lookup->host);
	free(lookup);
}

static struct lookup *lookup_new(const char *host, int port)
{
	struct lookup *lookup = memory_new(sizeof(*lookup));

	lookup->host = memory_copy_text(host);
	snprintf(lookup->port, sizeof(lookup->port), "%d", port);
	lookup->hints = (struct addrinfo){.ai_socktype = SOCK_STREAM};
	lookup->request = (struct gaicb){
		.ar_name = lookup->host, .ar_service = lookup->port, .ar_request = &lookup->hints};
	lookup->list[0] = &lookup->request;
	return lookup;
}

static struct lookup *find_host(const struct ssh_settings *settings, const char *host, int port,
	const struct patience *patience, struct error *err)
{
	struct lookup *lookup = lookup_new(host, port);
	int code = settings->alone ? getaddrinfo(host, lookup->port, &lookup->hints,
					     &lookup->request.ar_result)
	                           : getaddrinfo_a(GAI_NOWAIT, lookup->list, 1, NULL);

	if (settings->alone && code == 0)
		return lookup;
	while (code == 0 && (code = gai_error(&lookup->request)) == EAI_INPROGRESS) {
		const struct timespec tick = {.tv_nsec = 100 * 1000 * 1000};
		if (patience_check(patience, err) < 0) {
			if (gai_cancel(&lookup->request) != EAI_NOTCANCELED)
				lookup_free(lookup);
			return NULL;
		}
		gai_suspend((const struct gaicb *const *)lookup->list, 1, &tick);
		code = 0;
	}
	if (code == 0)
		return lookup;
	error_set(err, ERROR_TRANSIENT, "%s: %s", host,
		code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
	lookup_free(lookup);
	return NULL;
}

/* ---- one address ---- */

/* What is sent and not acknowledged for so long breaks the connection: a machine that vanished says nothing. */
static void set_options(const struct ssh_settings *settings, int fd)
{
	int on = 1;
	int64_t alive_msec = settings->keep_alive_nsec / 1000000;
	unsigned unanswered = UNANSWERED_MSEC;

	if (alive_msec > 0 && alive_msec * KEEP_ALIVES > UNANSWERED_MSEC)
		unanswered =
			alive_msec * KEEP_ALIVES < INT32_MAX ? alive_msec * KEEP_ALIVES : INT32_MAX;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered, sizeof(unanswered));
}

static int finish_connecting(int fd, const struct patience *patience, struct error *err)
{
	short got = 0;
	int code = 0;
	socklen_t size = sizeof(code);

	while (!got)
		if (patience_wait(patience, fd, POLLOUT, &got, err) < 0)
			return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0)
		code = errno;
	errno = code;
	return code ? fail_errno(err, ERROR_TRANSIENT, "connecting") : 0;
}

static int connect_to(
	const struct addrinfo *address, const struct patience *patience, struct error *err)
{
	autoclose int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		address->ai_protocol);

	if (fd < 0)
		return fail_errno(err, ERROR_TRANSIENT, "a socket");
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
		if (errno != EINPROGRESS && errno != EINTR)
			return fail_errno(err, ERROR_TRANSIENT, "connecting");
		if (finish_connecting(fd, patience, err) < 0)
			return -1;
	}
	return TAKE_FD(fd);
}

static int connect_host(const struct ssh_settings *settings, const char *host, int port,
	const struct patience *patience, struct error *err)
{
	struct lookup *lookup = find_host(settings, host, port, patience, err);
	int fd = -1;

	if (!lookup)
		return -1;
	for (struct addrinfo *a = lookup->request.ar_result; a && fd < 0; a = a->ai_next)
		fd = connect_to(a, patience, err);
	lookup_free(lookup);
	return fd < 0 ? fail_while(err, "%s port %d", host, port) : fd;
}

int dial(const struct ssh_settings *settings, const char *host, int port,
	const struct patience *patience, struct error *err)
{
	const char *proxy = settings->proxy_host;
	autoclose int fd = connect_host(
		settings, proxy ? proxy : host, proxy ? settings->proxy_port : port, patience, err);

	if (fd < 0)
		return proxy ? fail_while(err, "the proxy") : -1;
	set_options(settings, fd);
	if (proxy && socks_connect(settings, host, port, fd, patience, err) < 0)
		return fail_while(err, "the proxy %s port %d", proxy, settings->proxy_port);
	return TAKE_FD(fd);
}
