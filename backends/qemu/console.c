/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/console.h"

enum { END_USEC = 1000 * 1000 };

static int send(struct machine *machine, const struct boot_key *key, int64_t interval_nsec,
	struct error *err)
{
	if (key->wait_nsec)
		return machine_sleep(machine, key->wait_nsec, err);
	if (qmp_send_key(&machine->qmp, key->key, key->down, err) < 0) {
		/* a machine that halted refuses keys a moment before QEMU is gone: that says more */
		struct error ended;
		if (machine_wait(machine, END_USEC, &ended) > 0)
			machine_check(machine, err);
		return -1;
	}
	return machine_sleep(machine, interval_nsec, err);
}

/* Nothing more is pressed from there on. */
static bool is_done(const struct boot_keys *keys, size_t from)
{
	for (size_t i = from; i < keys->count; i++)
		if (!keys->items[i].wait_nsec && keys->items[i].down)
			return false;
	return true;
}

/* A machine may halt at the last key; that it is released nobody notices. */
static int type_keys(struct machine *machine, const struct boot_keys *keys, int64_t interval_nsec,
	struct error *err)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (send(machine, &keys->items[i], interval_nsec, err) == 0)
			continue;
		if (machine->powered_off && is_done(keys, i + 1))
			return 0;
		return fail_while(err, "boot_command, event %zu of %zu", i + 1, keys->count);
	}
	return 0;
}

int console_type(struct machine *machine, const struct boot_keys *keys, int64_t wait_nsec,
	int64_t interval_nsec, struct error *err)
{
	struct build_log *log = &machine->job->log;

	if (wait_nsec > 0) {
		build_log_say(log, "waiting %.1f s for the boot", (double)wait_nsec / 1e9);
		/* one that is not typed at may have done its work by then */
		if ((keys->count ? machine_sleep(machine, wait_nsec, err)
				 : machine_wait(machine, wait_nsec / 1000, err)) < 0)
			return fail_while(err, "boot_wait");
	}
	if (keys->count)
		build_log_say(log, "typing the boot command");
	return type_keys(machine, keys, interval_nsec, err);
}
