/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/communicator.h"

#include "base/moment.h"

int communicator_check(struct communicator *communicator, struct error *err)
{
	if (job_check(communicator->job, err) < 0)
		return -1;
	if (communicator->deadline_usec && moment_elapsed_usec() > communicator->deadline_usec)
		return fail(err, ERROR_TRANSIENT, "the step took longer than its timeout");
	return 0;
}
