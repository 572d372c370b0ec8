/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The finished disks of a machine on a fresh one, above layers that are thrown away: nothing is written to the artifact. Who uses it says
 * what is waited for.
 */

#include "backends/artifact.h"
#include "backends/plugins/native.h"
#include "backends/qemu/connect.h"
#include "backends/qemu/firmware.h"

struct booted {
	struct job *job;
	const struct json *builder; /* its options; borrowed of the order */
	const struct json *
		changed; /* what of the machine is another one: {"memory", "cpus"}; borrowed, may be NULL */
	const char *
		files; /* the folder of the artifact's files; NULL: those that the job's build made */
	struct qemu_options options;
	struct json *arguments; /* of qemuargs, what is left */
	char *folder;           /* of the layers, absolute */
	const char *accelerator;
	struct strings drives;
	struct firmware firmware;
	char *firmware_vars; /* its own; NULL: it starts by BIOS */
	struct machine machine;
	struct ssh_settings ssh;
	struct communicator *communicator; /* NULL until booted_connect */
};
#define BOOTED_NONE                     \
	{                               \
		.machine = MACHINE_NONE \
	}

/* Reads what machine the order's builder makes; CATALOG where it makes none. Needs job, changed and files. */
int booted_open(struct booted *booted, struct error *err);
/* Makes layers above those of FILES that are disks; CATALOG if none is. */
int booted_make_disks(struct booted *booted, const struct published *files, struct error *err);
/* Whether FILES[INDEX] is one of the machine's disks. */
bool booted_is_disk(const struct booted *booted, const struct published *files, size_t index);
/* Starts it. While it runs, every check of the job is one of the machine too. */
int booted_start(struct booted *booted, struct error *err);
/* Sets *PORT to one here that leads to GUEST_PORT there. */
int booted_forward(struct booted *booted, int64_t guest_port, int *port, struct error *err);
/* Waits for ssh, by the builder's own communicator. CATALOG where that is none. */
int booted_connect(struct booted *booted, struct error *err);
/* Ends it and removes the layers. */
void booted_close(struct booted *booted);
