/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From a machine that boots to one that provisioners reach. */

#include "backends/communicator.h"
#include "backends/qemu/machine.h"
#include "backends/ssh/ssh.h"
#include "base/json.h"

/* Where the machine's own port is reached: 127.0.0.1:PORT, or what the template says (skip_nat_mapping, net_bridge). */
struct qemu_address {
	const char *host;
	int port;
	const char *host_key; /* as ssh_host_key says it; NULL: not known yet */
};

/*
 * The way to the machine that OPTIONS (the builder's, communicator options among them) ask for, in *COMMUNICATOR; NULL with communicator
 * none. The caller closes it before the machine, and clears SETTINGS behind that. From then on the machine is watched. Errors: TRANSIENT when nobody answers in time, CATALOG when it lets nobody in.
 */
int qemu_connect(struct machine *machine, const struct json *options,
	const struct qemu_address *address, struct ssh_settings *settings,
	struct communicator **communicator, struct error *err);
