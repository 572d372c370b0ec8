/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kiln-network: the network of one machine that reaches nobody, by libslirp, the library that QEMU's own user network is. It is that network with
 * restrict=on, and one hole in it: 10.0.2.2:HTTP_PORT is the build's server of http_directory. QEMU would run a program for each connection to such a
 * place, and its sandbox would have to let it. kiln-build starts it; the machine's frames come over descriptor 3, whose end is its own.
 * Source: libslirp.h; QEMU net/socket.c for the frames.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <slirp/libslirp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/media/http.h"
#include "backends/qemu/network.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/text.h"

enum {
	FRAME_MOST = 128 * 1024, /* QEMU's own are at most 68 KiB */
	HEAD_SIZE = 4,           /* of a frame: its length, the highest byte first */
	WAITING_MOST = 1024 * 1024,
	NOBODY = 65534,
};

struct closed_network {
	Slirp *slirp;
	struct text in;  /* from the machine, up to its next whole frame */
	struct text out; /* frames that it did not take yet */
	struct pollfd *polled;
	size_t count, room;
};

/* ---- frames ---- */

/* False: the machine is gone. */
static bool flush(struct closed_network *network)
{
	struct text *out = &network->out;
	ssize_t sent =
		out->size ? send(NETWORK_FD, out->data, out->size, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;

	if (sent < 0)
		return errno == EAGAIN || errno == EINTR;
	memmove(out->data, out->data + sent, out->size - sent);
	out->size -= sent;
	return true;
}

/* What a machine that stands still does not take in time is lost, as on any network. */
static ssize_t send_frame(const void *frame, size_t size, void *opaque)
{
	struct closed_network *network = opaque;
	uint32_t head = htonl((uint32_t)size);

	if (network->out.size + size > WAITING_MOST)
		return (ssize_t)size;
	text_add_bytes(&network->out, (const char *)&head, sizeof(head));
	text_add_bytes(&network->out, frame, size);
	return flush(network) ? (ssize_t)size : -1;
}

static size_t frame_size(const char *head)
{
	uint32_t size;

	memcpy(&size, head, sizeof(size));
	return ntohl(size);
}

/* False: the machine is gone, or what it sends are no frames. */
static bool receive(struct closed_network *network)
{
	static char buffer[64 * 1024];
	struct text *in = &network->in;
	ssize_t got = recv(NETWORK_FD, buffer, sizeof(buffer), MSG_DONTWAIT);
	size_t at = 0;

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0)
		return false;
	text_add_bytes(in, buffer, got);
	while (in->size - at >= HEAD_SIZE) {
		size_t size = frame_size(in->data + at);
		if (size > FRAME_MOST)
			return false;
		if (in->size - at - HEAD_SIZE < size)
			break;
		slirp_input(network->slirp, (const uint8_t *)in->data + at + HEAD_SIZE, (int)size);
		at += HEAD_SIZE + size;
	}
	memmove(in->data, in->data + at, in->size - at);
	in->size -= at;
	return true;
}

/* ---- what libslirp asks of us ---- */

static void ignore_message(const char *message, void *opaque)
{
	(void)message, (void)opaque;
}

static int64_t now_nsec(void *opaque)
{
	(void)opaque;
	return moment_elapsed_usec() * 1000;
}

/* Its timers are IPv6's, which there is not. */
static void *new_timer(SlirpTimerCb call, void *of_call, void *opaque)
{
	static char timer;

	(void)call, (void)of_call, (void)opaque;
	return &timer;
}

static void free_timer(void *timer, void *opaque)
{
	(void)timer, (void)opaque;
}

static void set_timer(void *timer, int64_t expire_msec, void *opaque)
{
	(void)timer, (void)expire_msec, (void)opaque;
}

static void ignore_fd(int fd, void *opaque)
{
	(void)fd, (void)opaque;
}

static void ignore_notice(void *opaque)
{
	(void)opaque;
}

static const SlirpCb callbacks = {
	.send_packet = send_frame,
	.guest_error = ignore_message,
	.clock_get_ns = now_nsec,
	.timer_new = new_timer,
	.timer_free = free_timer,
	.timer_mod = set_timer,
	.register_poll_fd = ignore_fd,
	.unregister_poll_fd = ignore_fd,
	.notify = ignore_notice,
};

/* poll's words and libslirp's */
static const struct {
	short ours;
	int theirs;
} words[] = {{POLLIN, SLIRP_POLL_IN}, {POLLOUT, SLIRP_POLL_OUT}, {POLLPRI, SLIRP_POLL_PRI},
	{POLLERR, SLIRP_POLL_ERR}, {POLLHUP, SLIRP_POLL_HUP}};

static int add_polled(int fd, int events, void *opaque)
{
	struct closed_network *network = opaque;
	short ours = 0;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (events & words[i].theirs)
			ours = (short)(ours | words[i].ours);
	MEMORY_GROW(network->polled, network->count, network->room);
	network->polled[network->count] = (struct pollfd){.fd = fd, .events = ours};
	return (int)network->count++;
}

static int events_of(int index, void *opaque)
{
	struct closed_network *network = opaque;
	int theirs = 0;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (network->polled[index].revents & words[i].ours)
			theirs |= words[i].theirs;
	return theirs;
}

/* ---- the network ---- */

static struct in_addr address(const char *text)
{
	struct in_addr found = {0};

	inet_pton(AF_INET, text, &found);
	return found;
}

/* The host's address, which has to be free for the hole, is another one than QEMU's: in a closed network nobody notices. */
static bool begin(struct closed_network *network, int http_port, int host_port, int guest_port)
{
	const SlirpConfig config = {.version = 1,
		.restricted = 1,
		.in_enabled = true,
		.vnetwork = address("10.0.2.0"),
		.vnetmask = address("255.255.255.0"),
		.vhost = address("10.0.2.4"),
		.vdhcp_start = address("10.0.2.15"),
		.vnameserver = address("10.0.2.3")};
	struct in_addr server = address(NETWORK_HOST), loopback = address("127.0.0.1");

	network->slirp = slirp_new(&config, &callbacks, network);
	if (!network->slirp ||
		slirp_add_unix(network->slirp, HTTP_SOCKET, &server, http_port) < 0) {
		fputs("kiln-network: libslirp cannot make this network\n", stderr);
		return false;
	}
	if (host_port && slirp_add_hostfwd(network->slirp, 0, loopback, host_port,
				 config.vdhcp_start, guest_port) < 0) {
		fprintf(stderr, "kiln-network: " NETWORK_PORT_TAKEN " (127.0.0.1 port %d)\n",
			host_port);
		return false;
	}
	return true;
}

/* It reads what strangers send: it keeps nothing that it does not need. */
static bool drop_powers(void)
{
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
		return false;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static void serve(struct closed_network *network)
{
	for (;;) {
		uint32_t timeout_msec = UINT32_MAX;
		network->count = 0;
		add_polled(NETWORK_FD, SLIRP_POLL_IN | (network->out.size ? SLIRP_POLL_OUT : 0),
			network);
		slirp_pollfds_fill(network->slirp, &timeout_msec, add_polled, network);
		int ready = poll(network->polled, network->count,
			timeout_msec > INT32_MAX ? -1 : (int)timeout_msec);
		if (ready < 0 && errno != EINTR)
			return;
		short here = ready > 0 ? network->polled[0].revents : 0;
		slirp_pollfds_poll(network->slirp, ready < 0, events_of, network);
		if (((here & POLLOUT) && !flush(network)) ||
			((here & (POLLIN | POLLHUP | POLLERR)) && !receive(network)))
			return;
	}
}

static int number(const char *text, int least)
{
	char *end;
	long value = strtol(text, &end, 10);

	return *text && !*end && value >= least && value <= UINT16_MAX ? (int)value : -1;
}

int main(int argc, char **argv)
{
	struct closed_network network = {0};
	struct stat about;
	int http_port = argc == 5 ? number(argv[2], 1) : -1;
	int host_port = argc == 5 ? number(argv[3], 0) : -1;
	int guest_port = argc == 5 ? number(argv[4], 1) : -1;

	if (http_port < 0 || host_port < 0 || guest_port < 0 || fstat(NETWORK_FD, &about) < 0) {
		fputs("usage: kiln-network FOLDER HTTP_PORT HOST_PORT GUEST_PORT (kiln-build "
		      "starts it)\n",
			stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (chdir(argv[1]) < 0) {
		fprintf(stderr, "kiln-network: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	if (!begin(&network, http_port, host_port, guest_port))
		return 1;
	if (!drop_powers() || send(NETWORK_FD, "", 1, MSG_NOSIGNAL) != 1)
		return 1;
	serve(&network);
	return 0;
}
