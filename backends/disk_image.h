/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the first bytes of a disk image say. Source: QEMU docs/interop/qcow2.txt; the magic numbers of the other formats. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum disk_format {
	DISK_RAW,
	DISK_QCOW2,
	DISK_VMDK,
	DISK_VDI,
	DISK_VHD,
	DISK_VHDX,
	DISK_FORMAT_COUNT
};
/* As qemu-img calls it: "raw", "qcow2", "vmdk", "vdi", "vpc", "vhdx". */
const char *disk_format_name(enum disk_format format);

struct disk_image {
	enum disk_format format; /* RAW for all that has no known header */
	int64_t virtual_bytes;   /* what a machine sees; of RAW and QCOW2 alone, else 0 */
	bool has_backing;        /* it lacks what is in another file */
};
/* Reads FD, a regular file, without moving its offset. */
int disk_image_read(int fd, struct disk_image *image, struct error *err);
