/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

enum { COPY_SIZE = 1024 * 1024 };

/* By the kernel alone: 0 done, 1 it cannot, -1 error. */
static int copy_in_kernel(int from, int to, struct error *err)
{
	bool any = false;

	for (;;) {
		ssize_t copied = copy_file_range(from, NULL, to, NULL, 1u << 30, 0);
		if (copied < 0 && errno == EINTR)
			continue;
		if (copied < 0 && !any &&
			(errno == EXDEV || errno == EINVAL || errno == ENOSYS ||
				errno == EOPNOTSUPP || errno == EBADF))
			return 1;
		if (copied < 0)
			return fail_errno(err, ERROR_BROKEN, "cannot copy");
		if (copied == 0)
			return 0;
		any = true;
	}
}

/* Reads every byte once; SHARED: the copy has them already. */
static int copy_by_hand(
	int from, int to, bool shared, struct digest_stream *stream, struct error *err)
{
	autofree char *buffer = memory_resize(NULL, COPY_SIZE, 1);

	for (;;) {
		ssize_t got = read(from, buffer, COPY_SIZE);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(err, ERROR_BROKEN, "cannot read");
		if (got == 0)
			return 0;
		if (stream)
			digest_stream_add(stream, buffer, got);
		if (!shared && file_write_all(to, buffer, got, err) < 0)
			return -1;
	}
}

static int copy_content(int from, int to, struct digest *digest, struct error *err)
{
	bool shared = ioctl(to, FICLONE, from) == 0;

	if (!digest) {
		int left = shared ? 0 : copy_in_kernel(from, to, err);
		return left > 0 ? copy_by_hand(from, to, false, NULL, err) : left;
	}
	CLEANUP(digest_stream_freep)
	struct digest_stream *stream = digest_stream_new(DIGEST_SHA256);
	if (copy_by_hand(from, to, shared, stream, err) < 0)
		return -1;
	digest_stream_end(stream, digest->bytes);
	return 0;
}

int copy_fd(int from, int to_folder, const char *to, mode_t mode, struct digest *digest,
	int64_t *size, struct error *err)
{
	autoclose int out =
		openat(to_folder, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat status;

	if (out < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", to);
	if (lseek(from, 0, SEEK_SET) < 0 || copy_content(from, out, digest, err) < 0) {
		unlinkat(to_folder, to, 0);
		return fail_while(err, "%s", to);
	}
	if (fstat(out, &status) < 0 || fchmod(out, mode) < 0) {
		unlinkat(to_folder, to, 0);
		return fail_errno(err, ERROR_BROKEN, "%s", to);
	}
	if (size)
		*size = status.st_size;
	return 0;
}

int copy_file(int from_folder, const char *from, int to_folder, const char *to, mode_t mode,
	struct digest *digest, int64_t *size, struct error *err)
{
	autoclose int fd = openat(from_folder, from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);

	if (fd < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", from);
	return copy_fd(fd, to_folder, to, mode, digest, size, err);
}
