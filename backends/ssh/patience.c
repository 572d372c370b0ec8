/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/ssh/link.h"

#include "base/moment.h"

enum { TICK_USEC = 500 * 1000 };

/* Until somebody may have lost patience, or a connection wants to show that it lives. */
static int64_t tick(const struct patience *patience)
{
	int64_t now = moment_elapsed_usec(), least = TICK_USEC;
	int64_t step = patience->communicator->deadline_usec;

	if (patience->limit_usec && patience->limit_usec - now < least)
		least = patience->limit_usec - now + 1000;
	if (step && step - now < least)
		least = step - now + 1000;
	return least;
}

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
	if (patience_check(patience, err) < 0)
		return -1;
	return job_wait(patience->communicator->job, fd, events, got, tick(patience), err);
}

int patience_sleep(const struct patience *patience, int64_t usec, struct error *err)
{
	int64_t until = moment_elapsed_usec() + usec, left;

	while ((left = until - moment_elapsed_usec()) > 0) {
		int64_t most = tick(patience);
		if (patience_check(patience, err) < 0 ||
			job_wait(patience->communicator->job, -1, 0, NULL,
				left < most ? left : most, err) < 0)
			return -1;
	}
	return 0;
}
