/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/console.h"

static int send(struct machine *machine, const struct boot_key *key, int64_t interval_nsec,
	struct error *err)
{
	if (key->wait_nsec)
		return machine_sleep(machine, key->wait_nsec, err);
	if (qmp_send_key(&machine->qmp, key->key, key->down, err) < 0) {
		/* why it does not listen any more says more */
		struct error ended;
		if (machine->qmp.gone && machine_wait(machine, 1000000, &ended) > 0)
			machine_check(machine, err);
		return -1;
	}
	return machine_sleep(machine, interval_nsec, err);
}

int console_type(struct machine *machine, const struct boot_keys *keys, int64_t wait_nsec,
	int64_t interval_nsec, struct error *err)
{
	struct build_log *log = &machine->job->log;

	if (wait_nsec > 0) {
		build_log_say(log, "waiting %.1f s for the boot", (double)wait_nsec / 1e9);
		if (machine_sleep(machine, wait_nsec, err) < 0)
			return fail_while(err, "boot_wait");
	}
	if (keys->count)
		build_log_say(log, "typing the boot command");
	for (size_t i = 0; i < keys->count; i++)
		if (send(machine, &keys->items[i], interval_nsec, err) < 0)
			return fail_while(
				err, "boot_command, event %zu of %zu", i + 1, keys->count);
	return 0;
}
