/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/rootfs/host_sandbox.h"

#include <unistd.h>

#include "backends/rootfs/sandbox.h"
#include "backends/rootfs/userns.h"
#include "base/cleanup.h"
#include "base/files.h"

struct communicator *host_sandbox_open(struct job *job, bool network, struct error *err)
{
	const struct sandbox_options options = {.kind = SANDBOX_HOST, .network = network};

	if (geteuid() == 0) {
		autoclose int tree = folder_open(job->work_fd, "tree", err);
		if (tree < 0 || userns_give_all(&job->ids, tree, err) < 0)
			return NULL;
	}
	return sandbox_open(job, &options, err);
}
