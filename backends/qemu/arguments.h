/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * QEMU's argument list: Packer's defaults, the template's qemuargs merged into them by Packer's rule, and behind them what kiln
 * always gives. Source: Packer 1.6.6 builder/qemu/step_run.go. Pure.
 */

#include "backends/plugins/native.h"
#include "base/strings.h"

#define QEMU_SERIAL_RING "kiln-serial" /* the character device of the first serial port */

/* What the options do not say: where things are and which ports are used. Paths are as QEMU shall open them. */
struct qemu_setup {
	const struct qemu_options *options;
	const char *vm_name, *output_folder;
	const char *accelerator;     /* "kvm", "tcg", "none" ... */
	const struct strings *disks; /* the first is the main one */
	const char *disk_format;     /* of all of them; NULL: the option's */
	bool rekeyed;   /* it may go on from a checkpoint: a generation id tells its guest so */
	bool waits;     /* it goes on from a checkpoint: nothing runs before its memory came */
	bool installed; /* it starts from its disk, though the template has an ISO */
	const struct strings *cds;                 /* the template's ISO first; may be empty */
	const char *floppy;                        /* NULL: none */
	const char *firmware_code, *firmware_vars; /* UEFI; NULL: BIOS */
	int host_port,
		guest_port; /* 127.0.0.1:HOST_PORT leads to GUEST_PORT; host_port 0: none does */
	const char *vnc;    /* "127.0.0.1:3", NULL: none */
	const char *http_ip, *http_folder;
	int http_port;          /* 0: nothing is served */
	const char *public_key; /* of the pair that the build makes; NULL: it makes none */
	bool isolated;   /* the machine reaches nothing but what reaches it */
	const char *mac; /* of its card; NULL: QEMU's, which every machine has */
	int network_fd; /* its network is there, at a descriptor that QEMU inherits; 0: QEMU's own */
	int qmp_fd;     /* the descriptor that QEMU inherits */
};

/* Adds the whole list, the program first. Errors (CATALOG): a field in qemuargs that there is not. */
int qemu_arguments_make(
	const struct qemu_setup *setup, struct strings *arguments, struct error *err);
