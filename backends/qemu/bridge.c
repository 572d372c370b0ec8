/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/bridge.h"

#include <stdio.h>
#include <string.h>

#include "backends/qemu/neighbour.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/moment.h"

enum { LOOK_NSEC = 500 * 1000 * 1000 };

/* 52:54:00 is QEMU's own beginning. */
void bridge_choose_mac(
	const struct job *job, const char *bridge, char mac[static BRIDGE_MAC_TEXT_SIZE])
{
	autofree char *who =
		memory_printf("%s\n%s", json_get_text(job->order, "state", ""), job->image);
	unsigned char bytes[MAC_SIZE];
	struct digest digest;

	digest_of(who, strlen(who), &digest);
	snprintf(mac, BRIDGE_MAC_TEXT_SIZE, "52:54:00:%02x:%02x:%02x", digest.bytes[0],
		digest.bytes[1], digest.bytes[2]);
	if (neighbour_read_mac(mac, bytes))
		neighbour_forget(bridge, bytes);
}

/* qemuargs may have given it another card than ours: QEMU is asked which one. */
static int find_card(struct machine *machine, unsigned char mac[static MAC_SIZE], struct error *err)
{
	static const char before[] = "macaddr=";
	autofree char *about = NULL;
	const char *found = NULL;

	if (qmp_ask_monitor(&machine->qmp, "info network", &about, err) < 0)
		return -1;
	const char *end = strstr(about, "user.0:");
	for (const char *at = about; end && (at = strstr(at, before)) && at < end; at++)
		found = at + sizeof(before) - 1;
	if (!found || !neighbour_read_mac(found, mac))
		return fail(err, ERROR_CATALOG,
			"net_bridge: the machine has no network card at the bridge: ssh_host says "
			"where it is");
	return 0;
}

int bridge_wait_address(struct machine *machine, const char *bridge, int64_t timeout_nsec,
	char address[static BRIDGE_ADDRESS_SIZE], struct error *err)
{
	int64_t deadline = moment_elapsed_usec() + timeout_nsec / 1000;
	struct build_log *log = &machine->job->log;
	unsigned char mac[MAC_SIZE];

	if (find_card(machine, mac, err) < 0)
		return -1;
	build_log_say(log,
		"waiting for the address of the card %02x:%02x:%02x:%02x:%02x:%02x at %s", mac[0],
		mac[1], mac[2], mac[3], mac[4], mac[5], bridge);
	for (;;) {
		int found = neighbour_find(bridge, mac, address, err);
		if (found < 0)
			return fail_while(err, "net_bridge");
		if (found) {
			build_log_say(log, "the machine is at %s", address);
			return 0;
		}
		if (moment_elapsed_usec() >= deadline)
			return fail(err, ERROR_TRANSIENT,
				"net_bridge: the machine asked for nothing at %s within "
				"ssh_timeout: its address is not known (ssh_host can say it)",
				bridge);
		if (machine_sleep(machine, LOOK_NSEC, err) < 0)
			return -1;
	}
}
