/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/connect.h"

#include <stdlib.h>
#include <string.h>

#include "backends/qemu/key_pair.h"
#include "base/memory.h"

static int connect_by_ssh(struct machine *machine, const struct json *options,
	const struct qemu_address *address, struct ssh_settings *settings,
	struct communicator **communicator, struct error *err)
{
	struct ssh_key pair;

	if (ssh_settings_read(machine->job, options, settings, err) < 0)
		return -1;
	free(settings->target.host);
	settings->target.host = memory_copy_text(address->host);
	settings->target.port = address->port;
	if (address->host_key)
		settings->target.host_key = memory_copy_text(address->host_key);
	if (key_pair_make(machine->job, options, &pair, err) < 0)
		return -1;
	if (pair.private_text)
		strings_add(&settings->target.identity.private_keys, pair.private_text);
	ssh_key_clear(&pair);
	return ssh_open(machine->job, settings, communicator, err);
}

int qemu_connect(struct machine *machine, const struct json *options,
	const struct qemu_address *address, struct ssh_settings *settings,
	struct communicator **communicator, struct error *err)
{
	const char *kind = json_get_text(options, "communicator", "ssh");

	*communicator = NULL;
	if (strcmp(kind, "none") == 0)
		return 0;
	if (strcmp(kind, "ssh") != 0)
		return fail(err, ERROR_CATALOG, "communicator %s: ssh and none are built natively",
			kind);
	machine_watch(machine, true);
	int result = connect_by_ssh(machine, options, address, settings, communicator, err);
	if (result < 0)
		machine_watch(machine, false);
	return result;
}
