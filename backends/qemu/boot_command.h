/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Packer's boot_command: text that is typed at a machine's keyboard, with <keys> and <waits> in it, as a list of key events.
 * Source: Packer 1.6.6 common/bootcommand/boot_command.pigeon and vnc_driver.go. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

/* Either a pause or a key of a US keyboard that goes down or up. */
struct boot_key {
	int64_t wait_nsec; /* 0: a key */
	const char *key;   /* QEMU's QKeyCode ("a", "shift", "ret"); static */
	bool down;
};

struct boot_keys {
	struct boot_key *items;
	size_t count, room;
};

void boot_keys_clear(struct boot_keys *keys);
/*
 * Adds the events of TEXT. Errors (CATALOG) name the character's place, counted from 1: a wait that is not above zero, a
 * character that is on no key of a US keyboard. What looks like a key or a wait and is none is typed as it stands.
 */
int boot_keys_parse(const char *text, struct boot_keys *keys, struct error *err);

/* What {{.HTTPIP}}, {{.HTTPPort}}, {{.Name}} and {{.SSHPublicKey}} stand for. Borrowed. */
struct boot_command_data {
	const char *http_ip;
	int http_port;
	const char *name;
	const char *public_key; /* NULL: the build makes no key pair, and its name is unknown */
};
/* The option's list of text, put together, rendered and parsed. LIST may be NULL: nothing is typed. */
int boot_command_read(const struct json *list, const struct boot_command_data *data,
	struct boot_keys *keys, struct error *err);
