/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file_identity.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TICK_NSEC = 10 * 1000 * 1000 }; /* the longest that Linux knows */

static int64_t nsec_of(struct timespec time)
{
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

struct json *file_identity(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return NULL;
	struct json *identity = json_new_object();
	json_set_integer(identity, "size", status.st_size);
	json_set_integer(identity, "inode", (int64_t)status.st_ino);
	json_set_integer(identity, "modified_nsec", nsec_of(status.st_mtim));
	json_set_integer(identity, "changed_nsec", nsec_of(status.st_ctim));
	return identity;
}

bool file_is_at_rest(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0 || status.st_uid != geteuid() ||
		fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
		return false;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return true;
}

/* Every change from now on will have another time than the last one had. */
static bool let_tick_pass(int fd)
{
	struct timespec now;
	struct stat status;

	/* whole seconds: a file system that knows no others */
	if (fstat(fd, &status) < 0 || status.st_ctim.tv_nsec == 0)
		return false;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (nsec_of(now) == nsec_of(status.st_ctim))
		nanosleep(&(struct timespec){.tv_nsec = TICK_NSEC}, NULL);
	return true;
}

struct json *file_identity_at_rest(int fd)
{
	return file_is_at_rest(fd) && let_tick_pass(fd) ? file_identity(fd) : NULL;
}
