/* SPDX-License-Identifier: Apache-2.0 */
#include "state/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"

int lock_take(
	const char *state, const char *who, int *fd, char holder[static 128], struct error *err)
{
	autofree char *path = memory_printf("%s/lock", state);
	autoclose int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	char line[160];

	if (lock < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", path);
	if (flock(lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return fail_errno(err, ERROR_BROKEN, "%s", path);
		ssize_t got = pread(lock, holder, 127, 0);
		holder[got > 0 ? got : 0] = '\0';
		holder[strcspn(holder, "\n")] = '\0';
		return 0;
	}
	int size = snprintf(line, sizeof(line), "pid %d, %s\n", getpid(), who);
	if (ftruncate(lock, 0) < 0 || pwrite(lock, line, size, 0) != size)
		return fail_errno(err, ERROR_BROKEN, "%s", path);
	*fd = TAKE_FD(lock);
	return 1;
}
