/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/control_socket.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/path.h"

int control_socket_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	autofree char *state = path_folder(path);
	autoclose int folder = -1;
	autoclose int fd = -1;

	/* a path too long for an address is reached through its folder's descriptor */
	if (strlen(path) < sizeof(address.sun_path)) {
		strcpy(address.sun_path, path);
	} else {
		folder = open(state, O_PATH | O_DIRECTORY | O_CLOEXEC);
		snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%.64s",
			folder, path_name(path));
	}
	/* one that is there and takes no more is not waited for */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return TAKE_FD(fd);
}
