/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * UEFI: the firmware's code, which machines share, and each machine's own variables, a file beside its disks. Source of the options and of the name
 * efivars.fd: Packer's plugin for QEMU 1.0.8, builder/qemu/config.go.
 */

#include "backends/job.h"
#include "backends/plugins/native.h"

#define FIRMWARE_VARS_NAME "efivars.fd" /* in the output folder */

struct firmware {
	char *code,
		*vars; /* absolute: the code, and what variables begin as; NULL: the machine starts by BIOS */
};

/* Where OPTIONS or Debian's package ovmf have it. Kind BROKEN: there is none here. */
int firmware_find(const struct job *job, const struct qemu_options *options,
	struct firmware *firmware, struct error *err);
/* New variables at PATH (absolute, whose folder is there), in place of what is there. */
int firmware_copy_vars(const char *from, const char *path, struct error *err);
void firmware_clear(struct firmware *firmware);
