/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* This machine's programs in a sandbox that sees the build's folder: for steps that run here. */

#include "backends/communicator.h"

/*
 * A sandbox of kind SANDBOX_HOST (backends/rootfs/sandbox.h) over the job's tree/, which becomes the build root's; its ops'
 * close ends it. NULL on failure. NETWORK: this machine's.
 */
struct communicator *host_sandbox_open(struct job *job, bool network, struct error *err);
