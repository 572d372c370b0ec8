/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/ssh/link.h"

#include <poll.h>
#include <time.h>

#include "base/moment.h"

enum { TICK_MSEC = 100 };

int patience_check(const struct patience *patience, struct error *err)
{
	if (communicator_check(patience->communicator, err) < 0)
		return -1;
	if (patience->limit_usec && moment_elapsed_usec() > patience->limit_usec)
		return fail(err, ERROR_TRANSIENT, "%s: no answer in time", patience->what);
	return 0;
}

int patience_wait(
	const struct patience *patience, int fd, short events, short *got, struct error *err)
{
	struct pollfd wait = {.fd = fd, .events = events};

	if (patience_check(patience, err) < 0)
		return -1;
	int count = poll(&wait, 1, TICK_MSEC);
	*got = count > 0 ? wait.revents : 0;
	return 0;
}

int patience_sleep(const struct patience *patience, int64_t usec, struct error *err)
{
	int64_t until = moment_elapsed_usec() + usec, left;

	while ((left = until - moment_elapsed_usec()) > 0) {
		struct timespec tick = {.tv_nsec = TICK_MSEC * 1000 * 1000};
		if (left < TICK_MSEC * 1000)
			tick.tv_nsec = left * 1000;
		if (patience_check(patience, err) < 0)
			return -1;
		nanosleep(&tick, NULL);
	}
	return 0;
}
