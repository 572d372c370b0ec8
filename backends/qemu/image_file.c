/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/image_file.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	HEADER_SIZE = 1024,
	QCOW2_BACKING_AT = 8,
	QCOW2_BYTES_AT = 24,
	QCOW2_SIZE_LEAST = 72,
	QCOW2_FEATURES_AT = 72,
	QCOW2_DATA_FILE = 4, /* of the incompatible features */
	VMDK_CAPACITY_AT = 12,
	VMDK_DESCRIPTOR_AT = 28, /* where the descriptor is, in sectors */
	VMDK_DESCRIPTOR_SIZE = 10 * 1024,
	SECTOR_SIZE = 512,
	VPC_SIZE = 512,
};

static const struct {
	size_t at;
	const char *magic, *format;
} magics[] = {
	{0, "QFI\xfb", "qcow2"},
	{0, "KDMV", "vmdk"},
	{0, "COWD", "vmdk"},
	{0, "# Disk DescriptorFile", "vmdk"},
	{0, "vhdxfile", "vhdx"},
	{0, "conectix", "vpc"},
	{0, "QED", "qed"},
	{64, "\x7f\x10\xda\xbe", "vdi"},
};

static uint64_t read_be64(const unsigned char *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return be64toh(value);
}

static uint64_t read_le64(const unsigned char *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return le64toh(value);
}

static int check_qcow2(const unsigned char *header, const char *name, struct error *err)
{
	bool newer = header[7] >= 3;

	if (read_be64(header + QCOW2_BACKING_AT))
		return fail(err, ERROR_CATALOG,
			"%s has a backing file: make it whole with qemu-img convert", name);
	if (newer && (read_be64(header + QCOW2_FEATURES_AT) & QCOW2_DATA_FILE))
		return fail(err, ERROR_CATALOG,
			"%s has its data in another file: make it whole with qemu-img convert",
			name);
	return 0;
}

/* Only those of one file that stand on no other. */
static int check_vmdk(int fd, const unsigned char *header, const char *name, struct error *err)
{
	char descriptor[VMDK_DESCRIPTOR_SIZE + 1] = {0};

	if (memcmp(header, "KDMV", 4) != 0 || read_le64(header + VMDK_CAPACITY_AT) == 0)
		return fail(err, ERROR_CATALOG,
			"%s is a list of other files: make it whole with qemu-img convert", name);
	uint64_t at = read_le64(header + VMDK_DESCRIPTOR_AT);
	if (at > INT64_MAX / SECTOR_SIZE ||
		pread(fd, descriptor, VMDK_DESCRIPTOR_SIZE, (off_t)at * SECTOR_SIZE) < 0)
		return fail(err, ERROR_CATALOG, "%s is a broken vmdk", name);
	if (memmem(descriptor, VMDK_DESCRIPTOR_SIZE, "parentFileNameHint", 18))
		return fail(err, ERROR_CATALOG,
			"%s has a parent: make it whole with qemu-img convert", name);
	return 0;
}

/* A fixed vpc has its mark at its end alone. */
static bool ends_as_vpc(int fd)
{
	char end[8];
	off_t size = lseek(fd, 0, SEEK_END);

	return size >= VPC_SIZE && pread(fd, end, sizeof(end), size - VPC_SIZE) == sizeof(end) &&
	       memcmp(end, "conectix", sizeof(end)) == 0;
}

int image_file_format(int fd, const char *name, const char **format, struct error *err)
{
	unsigned char header[HEADER_SIZE] = {0};
	const char *found = ends_as_vpc(fd) ? "vpc" : "raw";

	if (pread(fd, header, sizeof(header), 0) < 0)
		return fail_errno(err, ERROR_CATALOG, "%s", name);
	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++)
		if (memcmp(header + magics[i].at, magics[i].magic, strlen(magics[i].magic)) == 0) {
			found = magics[i].format;
			break;
		}
	if (strcmp(found, "qcow2") == 0 && check_qcow2(header, name, err) < 0)
		return -1;
	if (strcmp(found, "vmdk") == 0 && check_vmdk(fd, header, name, err) < 0)
		return -1;
	if (strcmp(found, "qed") == 0)
		return fail(err, ERROR_CATALOG, "%s: images of format qed are not read", name);
	*format = found;
	return 0;
}

int image_file_bytes(
	int fd, const char *name, const char *format, int64_t *bytes, struct error *err)
{
	unsigned char header[QCOW2_SIZE_LEAST];
	struct stat status;

	if (strcmp(format, "qcow2") != 0) {
		if (fstat(fd, &status) < 0)
			return fail_errno(err, ERROR_CATALOG, "%s", name);
		*bytes = status.st_size;
		return 0;
	}
	if (pread(fd, header, sizeof(header), 0) != sizeof(header) ||
		read_be64(header + QCOW2_BYTES_AT) > INT64_MAX)
		return fail(err, ERROR_CATALOG, "%s is a broken qcow2", name);
	*bytes = (int64_t)read_be64(header + QCOW2_BYTES_AT);
	return 0;
}
