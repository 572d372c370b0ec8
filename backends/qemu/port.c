/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/moment.h"

static bool is_free(const char *address, int port)
{
	struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port)};
	autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int yes = 1;

	if (inet_pton(AF_INET, address, &place.sin_addr) != 1)
		return true; /* QEMU will say what it thinks of it */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	return fd >= 0 && bind(fd, (struct sockaddr *)&place, sizeof(place)) == 0;
}

/* One of the range; two builds that begin at once begin at different places. */
int port_choose(const char *address, int64_t first, int64_t last, int *port, struct error *err)
{
	int64_t count = last - first + 1;
	int64_t start = count > 0 ? (moment_elapsed_usec() / 7 + getpid()) % count : 0;

	for (int64_t i = 0; i < count; i++) {
		*port = (int)(first + (start + i) % count);
		if (is_free(address, *port))
			return 0;
	}
	return fail(err, ERROR_RESOURCE, "no port of %s from %lld to %lld is free", address,
		(long long)first, (long long)last);
}
