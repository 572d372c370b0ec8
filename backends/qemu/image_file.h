/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The format of a disk image by its first bytes, as QEMU's own probing has it. An image may name other files of the host that
 * QEMU would read on its behalf: such a one is refused. Source: QEMU docs/interop/qcow2.txt, block/vmdk.c.
 */

#include <stdint.h>

#include "base/error.h"

/* *FORMAT is QEMU's name ("qcow2", "raw" ...; static). NAME is for messages. Kind CATALOG if it names other files. */
int image_file_format(int fd, const char *name, const char **format, struct error *err);
/* How large the disk of a raw or qcow2 image is for a machine, in bytes. FORMAT is what the function above says. */
int image_file_bytes(
	int fd, const char *name, const char *format, int64_t *bytes, struct error *err);
