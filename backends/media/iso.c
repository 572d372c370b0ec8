/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/media/iso.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backends/late_archive.h"
#include "backends/media/staging.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

#define DEFAULT_LABEL "packer"
#define FOLDER "media"
#define NAME "cd.iso"

/* ECMA-119: where a volume descriptor has what. */
enum {
	SECTOR_SIZE = 2048,
	DESCRIPTORS_AT = 16 * SECTOR_SIZE,
	LABEL_AT = 40,
	LABEL_SIZE = 32,
	DATES_AT = 813, /* created and modified, then expires and effective */
	DATE_SIZE = 17,
	DESCRIPTOR_PRIMARY = 1,
	DESCRIPTOR_SUPPLEMENTARY = 2,
	DESCRIPTOR_END = 255,
	READ_SIZE = 256 * 1024,
};

/* Where a directory record has what (ECMA-119 9.1), and how deep folders are looked into. */
enum {
	ROOT_RECORD_AT = 156, /* of a volume descriptor */
	RECORD_EXTENT = 2,
	RECORD_SIZE = 10,
	RECORD_DATE = 18,
	RECORD_DATE_SIZE = 7,
	RECORD_FLAGS = 25,
	RECORD_IS_FOLDER = 2,
	RECORD_NAME_SIZE = 32,
	RECORD_NAME = 33,
	DEPTH_MOST = 100,
	FOLDER_SIZE_MOST = 64 * 1024 * 1024,
};

/* ---- files ---- */

static int archive_fail(struct archive *archive, const char *what, struct error *err)
{
	int number = late_archive_errno(archive);

	errno = number > 0 ? number : EIO;
	return fail(err, error_kind_of_errno(errno, ERROR_BROKEN), "%s: %s", what,
		late_archive_error_string(archive) ? late_archive_error_string(archive)
						   : strerror(errno));
}

static int write_content(struct staging *staging, const struct staged *item,
	struct archive *archive, struct error *err)
{
	autofree char *buffer = memory_resize(NULL, READ_SIZE, 1);
	autoclose int fd = staging_open(staging, item, err);
	int64_t left = item->size;

	if (fd < 0)
		return -1;
	while (left > 0) {
		size_t want = left < READ_SIZE ? (size_t)left : READ_SIZE;
		ssize_t got = read(fd, buffer, want);
		if (got <= 0)
			return fail(err, ERROR_BROKEN, "%s became shorter while it was read",
				item->source);
		if (late_archive_write_data(archive, buffer, got) != got)
			return archive_fail(archive, item->path, err);
		left -= got;
		if (job_check(staging->job, err) < 0)
			return -1;
	}
	return 0;
}

static int write_item(struct staging *staging, const struct staged *item, struct archive *archive,
	struct error *err)
{
	struct archive_entry *entry = late_archive_entry_new();
	int64_t epoch = staging->job->epoch;
	int result;

	late_archive_entry_copy_pathname(entry, item->path);
	late_archive_entry_set_filetype(entry, item->is_folder ? AE_IFDIR : AE_IFREG);
	late_archive_entry_set_perm(entry, item->is_folder || item->is_executable ? 0755 : 0644);
	late_archive_entry_set_nlink(entry, 1);
	late_archive_entry_set_size(entry, item->size);
	late_archive_entry_set_mtime(entry, epoch, 0);
	late_archive_entry_set_atime(entry, epoch, 0);
	late_archive_entry_set_ctime(entry, epoch, 0);
	late_archive_entry_set_birthtime(entry, epoch, 0);
	/* a warning is a name that it could not take as it is */
	result = late_archive_write_header(archive, entry) == ARCHIVE_OK
	                 ? 0
	                 : archive_fail(archive, item->path, err);
	late_archive_entry_free(entry);
	if (result == 0 && !item->is_folder)
		result = write_content(staging, item, archive, err);
	return result;
}

static int check_names(const struct staging *staging, struct error *err)
{
	for (size_t i = 0; i < staging->count; i++)
		if (!text_is_utf8(staging->items[i].path, strlen(staging->items[i].path)))
			return fail(err, ERROR_CATALOG,
				"cd_files: a name is not UTF-8, and cannot be on a CD: %s",
				staging->items[i].path);
	return 0;
}

static int write_all(struct staging *staging, int out, const char *label, struct error *err)
{
	if (late_load_archive(err) < 0)
		return -1;
	struct archive *archive = late_archive_write_new();
	int result = 0;

	if (!archive)
		return fail(err, ERROR_BROKEN, "libarchive does not start");
	if (late_archive_write_set_format_iso9660(archive) != ARCHIVE_OK ||
		late_archive_write_set_format_option(archive, NULL, "volume-id", label) !=
			ARCHIVE_OK ||
		late_archive_write_set_format_option(archive, NULL, "joliet", "long") !=
			ARCHIVE_OK ||
		late_archive_write_set_format_option(archive, NULL, "pad", NULL) < ARCHIVE_WARN ||
		late_archive_write_set_bytes_per_block(archive, 0) != ARCHIVE_OK ||
		late_archive_write_open_fd(archive, out) != ARCHIVE_OK)
		result = archive_fail(archive, "the CD", err);
	for (size_t i = 0; result == 0 && i < staging->count; i++)
		result = write_item(staging, &staging->items[i], archive, err);
	if (result == 0 && late_archive_write_close(archive) != ARCHIVE_OK)
		result = archive_fail(archive, "the CD", err);
	late_archive_write_free(archive);
	return result;
}

/* ---- volume descriptors ---- */

/* "YYYYMMDDHHMMSScc" and an offset of 0 to UTC. */
static void write_date(unsigned char *at, int64_t epoch)
{
	char text[DATE_SIZE + 8];
	time_t seconds = (time_t)epoch;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y%m%d%H%M%S00", &tm);
	memcpy(at, text, DATE_SIZE - 1);
	at[DATE_SIZE - 1] = 0;
}

/* As it is written, also in small letters: what looks for a label ("cidata") compares it so. Joliet has big-endian UCS-2. */
static void write_label(unsigned char *at, const char *label, bool joliet)
{
	size_t size = strlen(label);

	for (size_t i = 0; i < LABEL_SIZE; i++) {
		size_t place = joliet ? i / 2 : i;
		char byte = place < size ? label[place] : ' ';
		at[i] = joliet && i % 2 == 0 ? 0 : (unsigned char)byte;
	}
}

/* ---- directory records ---- */

static uint32_t read_le32(const unsigned char *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void write_record_date(unsigned char *at, int64_t epoch)
{
	time_t seconds = (time_t)epoch;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	const unsigned char date[RECORD_DATE_SIZE] = {(unsigned char)tm.tm_year,
		(unsigned char)(tm.tm_mon + 1), (unsigned char)tm.tm_mday,
		(unsigned char)tm.tm_hour, (unsigned char)tm.tm_min, (unsigned char)tm.tm_sec, 0};
	memcpy(at, date, sizeof(date));
}

/* Its own date, and those of Rock Ridge: entries of a signature, a length and a version, of which TF holds dates behind its flags. */
static void settle_record(unsigned char *record, int64_t epoch)
{
	size_t size = record[0], at = RECORD_NAME + record[RECORD_NAME_SIZE];

	write_record_date(record + RECORD_DATE, epoch);
	for (at += at % 2; at + 4 < size && record[at + 2] >= 4; at += record[at + 2])
		for (size_t date = at + 5; memcmp(record + at, "TF", 2) == 0 &&
					   date + RECORD_DATE_SIZE <= at + record[at + 2] &&
					   date + RECORD_DATE_SIZE <= size;
			date += RECORD_DATE_SIZE)
			write_record_date(record + date, epoch);
}

/* The folder that RECORD is of, and those in it. Each has itself and the one above it as its first two records. */
static int settle_folder(
	int fd, const unsigned char *record, int64_t epoch, int depth, struct error *err)
{
	size_t size = read_le32(record + RECORD_SIZE);
	off_t place = (off_t)read_le32(record + RECORD_EXTENT) * SECTOR_SIZE;
	int count = 0;

	if (depth > DEPTH_MOST || size > FOLDER_SIZE_MOST || size % SECTOR_SIZE)
		return fail(err, ERROR_BROKEN, "the CD has a folder that makes no sense");
	autofree unsigned char *folder = memory_new(size + 1);
	if (pread(fd, folder, size, place) != (ssize_t)size)
		return fail_errno(err, ERROR_BROKEN, "the CD");
	for (size_t at = 0; at < size;) {
		size_t length = folder[at];
		size_t left = SECTOR_SIZE - at % SECTOR_SIZE; /* no record crosses a sector */
		if (length <= RECORD_NAME || length > left) {
			at += left;
			continue;
		}
		settle_record(folder + at, epoch);
		if (count++ >= 2 && (folder[at + RECORD_FLAGS] & RECORD_IS_FOLDER) &&
			settle_folder(fd, folder + at, epoch, depth + 1, err) < 0)
			return -1;
		at += length;
	}
	return pwrite(fd, folder, size, place) == (ssize_t)size
	               ? 0
	               : fail_errno(err, ERROR_BROKEN, "the CD");
}

/* Behind the descriptors libarchive tells about itself and the hour. */
static int erase_remark(int fd, off_t at, struct error *err)
{
	static const unsigned char empty[SECTOR_SIZE];
	char sector[SECTOR_SIZE];

	if (pread(fd, sector, SECTOR_SIZE, at) != SECTOR_SIZE || memcmp(sector, "INFO ", 5) != 0)
		return 0;
	return pwrite(fd, empty, SECTOR_SIZE, at) == SECTOR_SIZE
	               ? 0
	               : fail_errno(err, ERROR_BROKEN, "the CD");
}

/* libarchive writes when the image was made, for folders that nobody gave it too, and the label in its own way. */
static int settle(int fd, const char *label, int64_t epoch, struct error *err)
{
	for (off_t at = DESCRIPTORS_AT;; at += SECTOR_SIZE) {
		unsigned char sector[SECTOR_SIZE];
		if (pread(fd, sector, SECTOR_SIZE, at) != SECTOR_SIZE ||
			memcmp(sector + 1, "CD001", 5) != 0)
			return fail(err, ERROR_BROKEN, "the CD has no volume descriptors");
		if (sector[0] == DESCRIPTOR_END)
			return erase_remark(fd, at + SECTOR_SIZE, err);
		if (sector[0] != DESCRIPTOR_PRIMARY && sector[0] != DESCRIPTOR_SUPPLEMENTARY)
			continue;
		write_label(sector + LABEL_AT, label, sector[0] == DESCRIPTOR_SUPPLEMENTARY);
		write_date(sector + DATES_AT, epoch);
		write_date(sector + DATES_AT + DATE_SIZE, epoch);
		write_date(sector + DATES_AT + 3 * DATE_SIZE, epoch);
		write_record_date(sector + ROOT_RECORD_AT + RECORD_DATE, epoch);
		if (settle_folder(fd, sector + ROOT_RECORD_AT, epoch, 0, err) < 0)
			return -1;
		if (pwrite(fd, sector, SECTOR_SIZE, at) != SECTOR_SIZE)
			return fail_errno(err, ERROR_BROKEN, "the CD");
	}
}

static int check_label(const char *label, struct error *err)
{
	if (strlen(label) > LABEL_SIZE)
		return fail(err, ERROR_CATALOG, "cd_label: '%s' has more than %d characters", label,
			LABEL_SIZE);
	for (const char *p = label; *p; p++)
		if (*p < ' ' || *p > '~')
			return fail(err, ERROR_CATALOG,
				"cd_label: '%s' has other characters than ASCII", label);
	return 0;
}

/* ---- the whole ---- */

/* A variable of the environment for a while. */
struct setting {
	const char *name;
	char *before;
};

static struct setting set(const char *name, const char *value)
{
	const char *before = getenv(name);
	struct setting setting = {name, before ? memory_copy_text(before) : NULL};

	setenv(name, value, 1);
	return setting;
}

static void restore(struct setting *setting)
{
	if (setting->before)
		setenv(setting->name, setting->before, 1);
	else
		unsetenv(setting->name);
	free(setting->before);
}

/*
 * libarchive puts all content into a temporary file first, which belongs where there is room for the CD, and writes dates as they are
 * in the local time zone.
 */
static int write_settled(
	struct staging *staging, int out, const char *label, const char *folder, struct error *err)
{
	struct setting temporary = set("TMPDIR", folder), zone = set("TZ", "UTC0");

	tzset();
	int result = write_all(staging, out, label, err);
	restore(&temporary);
	restore(&zone);
	tzset();
	return result < 0 ? -1 : settle(out, label, staging->job->epoch, err);
}

static int64_t count_bytes(const struct staging *staging)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < staging->count; i++)
		bytes += staging->items[i].size;
	return bytes;
}

int iso_make(struct job *job, const struct json *files, const char *label, char **path,
	struct error *err)
{
	CLEANUP(staging_clear) struct staging staging = {.job = job};
	autofree char *folder_path = memory_printf("%s/work/" FOLDER, job->folder);

	label = *label ? label : DEFAULT_LABEL;
	if (check_label(label, err) < 0 ||
		staging_add(&staging, "cd_files", files, STAGING_CONTENTS, err) < 0 ||
		check_names(&staging, err) < 0)
		return -1;
	staging_sort(&staging);
	autoclose int folder = folder_make(job->work_fd, FOLDER, 0700, err);
	if (folder < 0)
		return -1;
	unlinkat(folder, NAME, 0);
	autoclose int out = openat(folder, NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		return fail_errno(err, ERROR_BROKEN, NAME);
	if (write_settled(&staging, out, label, folder_path, err) < 0)
		return fail_while(err, "making the CD");
	build_log_say(&job->log, "made a CD labelled %s: %zu entries, %lld bytes", label,
		staging.count, (long long)count_bytes(&staging));
	*path = memory_printf("%s/" NAME, folder_path);
	return 0;
}
