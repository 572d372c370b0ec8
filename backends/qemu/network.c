/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/network.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"

enum { READY_USEC = 30 * 1000 * 1000, SETTLE_USEC = 5 * 1000 * 1000, TICK_MSEC = 200 };

/* It lies beside this program. */
static char *program(void)
{
	char self[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[size > 0 ? size : 0] = '\0';
	const char *slash = strrchr(self, '/');
	return memory_printf("%.*s/kiln-network", slash ? (int)(slash - self) : 0, self);
}

static int explain(struct network *network, bool *port_taken, struct error *err)
{
	struct error ignored;

	child_wait(&network->child, moment_elapsed_usec() + SETTLE_USEC, &ignored);
	autofree char *words = child_last_words(&network->child);
	*port_taken = strstr(words, NETWORK_PORT_TAKEN) != NULL;
	return fail(err, *port_taken ? ERROR_TRANSIENT : ERROR_BROKEN,
		"the machine's network (kiln-network) ended at its start%s%s", *words ? ": " : "",
		words);
}

/* It says a byte at what will be QEMU's end. */
static int wait_ready(struct network *network, bool *port_taken, struct error *err)
{
	int64_t deadline = moment_elapsed_usec() + READY_USEC;

	while (job_check(network->child.job, err) == 0) {
		struct pollfd wait = {.fd = network->fd, .events = POLLIN};
		char byte;
		if (poll(&wait, 1, TICK_MSEC) > 0)
			return recv(network->fd, &byte, 1, 0) == 1
			               ? 0
			               : explain(network, port_taken, err);
		if (moment_elapsed_usec() > deadline)
			return fail(err, ERROR_TRANSIENT,
				"the machine's network (kiln-network) did not begin in time");
	}
	return -1;
}

int network_start(struct network *network, struct job *job, const struct network_settings *settings,
	bool *port_taken, struct error *err)
{
	CLEANUP(strings_clear) struct strings arguments = {0};
	int ends[2];

	*network = (struct network)NETWORK_NONE;
	*port_taken = false;
	strings_add_taken(&arguments, program());
	strings_add(&arguments, settings->http_place);
	strings_addf(&arguments, "%d", settings->http_port);
	strings_addf(&arguments, "%d", settings->host_port);
	strings_addf(&arguments, "%d", settings->guest_port);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return fail_errno(err, ERROR_RESOURCE, "cannot make a socket");
	network->fd = ends[0];
	int result = child_start(&network->child, job, "kiln-network", &arguments, "/",
		(const int[]){ends[1], -1, -1}, err);
	close(ends[1]);
	if (result == 0)
		result = wait_ready(network, port_taken, err);
	if (result < 0)
		network_close(network);
	return result;
}

void network_close(struct network *network)
{
	child_close(&network->child);
	cleanup_close(&network->fd);
}
