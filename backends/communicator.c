/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/communicator.h"

#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/moment.h"

enum { TICK_USEC = 100 * 1000 };

int communicator_check(struct communicator *communicator, struct error *err)
{
	if (job_check(communicator->job, err) < 0)
		return -1;
	if (communicator->deadline_usec && moment_elapsed_usec() > communicator->deadline_usec)
		return fail(err, ERROR_TRANSIENT, "the step took longer than its timeout");
	return 0;
}

int communicator_wait(struct communicator *communicator, int64_t usec, struct error *err)
{
	int64_t until = moment_elapsed_usec() + usec, left;

	while ((left = until - moment_elapsed_usec()) > 0) {
		struct timespec tick = {.tv_nsec = (left < TICK_USEC ? left : TICK_USEC) * 1000};
		if (communicator_check(communicator, err) < 0)
			return -1;
		nanosleep(&tick, NULL);
	}
	return 0;
}

int communicator_upload_bytes(struct communicator *communicator, const char *bytes, size_t size,
	mode_t mode, const char *destination, struct error *err)
{
	autoclose int fd = memfd_create("upload", MFD_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, ERROR_RESOURCE, "memfd");
	if (file_write_all(fd, bytes, size, err) < 0)
		return -1;
	lseek(fd, 0, SEEK_SET);
	return communicator->ops->upload(communicator, fd, mode, destination, err);
}
