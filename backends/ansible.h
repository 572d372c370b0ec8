/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The files that ansible-playbook on this machine is given, as texts. */

#include "backends/communicator.h"
#include "base/text.h"

/* The host's inventory. Source: Packer 1.6.6 provisioner/ansible/provisioner.go, createInventoryFile. */
struct ansible_inventory {
	const char *template; /* of the host's line; "": the usual one */
	const char *alias, *host, *user;
	int port;
	const struct json *groups, *empty_groups;
};
/* DATA is what else {{.X}} may name; the host's values are added to it. Appends to OUT. */
int ansible_write_inventory(const struct ansible_inventory *inventory, struct json *data,
	struct text *out, struct error *err);

/* Which of the two a requirements file wants: the old form, a list, has roles only. */
void ansible_read_requirements(const char *requirements, bool *roles, bool *collections);

/* The host as a line of known_hosts. Appends to OUT. */
void ansible_write_known_hosts(const struct communicator_address *address, struct text *out);
/* ssh_config(5) for files in FOLDER: known_hosts and key0, key1 ... Appends to OUT. */
void ansible_write_ssh_config(
	const struct communicator_address *address, const char *folder, struct text *out);
/* A program that says PASSWORD. Appends to OUT. */
void ansible_write_askpass(const char *password, struct text *out);
