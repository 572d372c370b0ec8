/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/disk_image.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_SIZE = 104, BACKING_AT = 8, BYTES_AT = 24 };

static const struct {
	const char *name, *magic;
	size_t at, size;
} formats[DISK_FORMAT_COUNT] = {
	[DISK_RAW] = {"raw", "", 0, 0},
	[DISK_QCOW2] = {"qcow2", "QFI\xfb", 0, 4},
	[DISK_VMDK] = {"vmdk", "KDMV", 0, 4},
	[DISK_VDI] = {"vdi", "\x7f\x10\xda\xbe", 64, 4},
	[DISK_VHD] = {"vpc", "conectix", 0, 8},
	[DISK_VHDX] = {"vhdx", "vhdxfile", 0, 8},
};

const char *disk_format_name(enum disk_format format)
{
	return formats[format].name;
}

static uint64_t read_big(const unsigned char *bytes)
{
	uint64_t number = 0;

	for (int i = 0; i < 8; i++)
		number = number << 8 | bytes[i];
	return number;
}

int disk_image_read(int fd, struct disk_image *image, struct error *err)
{
	unsigned char header[HEADER_SIZE] = {0};
	ssize_t got = pread(fd, header, sizeof(header), 0);
	struct stat status;

	if (got < 0 || fstat(fd, &status) < 0)
		return fail_errno(err, ERROR_BROKEN, "the disk image");
	*image = (struct disk_image){.format = DISK_RAW};
	for (enum disk_format f = DISK_RAW + 1; f < DISK_FORMAT_COUNT; f++)
		if (memcmp(header + formats[f].at, formats[f].magic, formats[f].size) == 0)
			image->format = f;
	if (image->format == DISK_RAW)
		image->virtual_bytes = status.st_size;
	if (image->format != DISK_QCOW2)
		return 0;
	uint64_t bytes = read_big(header + BYTES_AT);
	if (got < 72 || bytes > INT64_MAX)
		return fail(err, ERROR_CATALOG, "its qcow2 header is broken");
	image->virtual_bytes = (int64_t)bytes;
	image->has_backing = read_big(header + BACKING_AT) != 0;
	return 0;
}
