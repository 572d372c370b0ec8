/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/media/floppy.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backends/media/fat_name.h"
#include "backends/media/staging.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

#define DEFAULT_LABEL "packer"
#define FOLDER "media"
#define NAME "floppy.img"

/* The one shape that every BIOS knows: 80 tracks, 2 sides, 18 sectors; a cluster is a sector. */
enum {
	SECTOR_SIZE = 512,
	SECTORS = 2880,
	FATS = 2,
	FAT_SECTORS = 9,
	FAT_AT = 1, /* the sector */
	ROOT_AT = FAT_AT + FATS * FAT_SECTORS,
	ROOT_ENTRIES = 224,
	ENTRY_SIZE = 32,
	ROOT_SECTORS = ROOT_ENTRIES * ENTRY_SIZE / SECTOR_SIZE,
	DATA_AT = ROOT_AT + ROOT_SECTORS,
	FIRST_CLUSTER = 2,
	CLUSTERS = SECTORS - DATA_AT,
	LABEL_SIZE = 11,
	MEDIA = 0xF0,
	LAST_OF_CHAIN = 0xFFF,
};

/* An entry of a folder. */
enum {
	ENTRY_ATTRIBUTES = 11,
	ENTRY_LOWER = 12,
	ENTRY_CREATED = 14, /* time, then date; likewise the others */
	ENTRY_ACCESSED = 18,
	ENTRY_WRITTEN = 22,
	ENTRY_CLUSTER = 26,
	ENTRY_SIZE_AT = 28,
	IS_LABEL = 0x08,
	IS_FOLDER = 0x10,
	IS_FILE = 0x20,
	IS_LONG = 0x0F,
	LONG_LAST = 0x40,
	LONG_CHECKSUM = 13,
};

struct floppy {
	struct staging staging;
	unsigned char *image;
	unsigned used; /* clusters */
	uint16_t time, date;
};

/* ---- bytes ---- */

static void write_le16(unsigned char *at, unsigned value)
{
	at[0] = (unsigned char)value;
	at[1] = (unsigned char)(value >> 8);
}

static void write_le32(unsigned char *at, uint32_t value)
{
	write_le16(at, value & 0xFFFF);
	write_le16(at + 2, value >> 16);
}

static unsigned char *sector(struct floppy *floppy, unsigned number)
{
	return floppy->image + (size_t)number * SECTOR_SIZE;
}

static unsigned char *cluster(struct floppy *floppy, unsigned number)
{
	return sector(floppy, DATA_AT + number - FIRST_CLUSTER);
}

/* Entries of the table have twelve bits: two in three bytes. */
static void set_next(struct floppy *floppy, unsigned number, unsigned next)
{
	for (unsigned fat = 0; fat < FATS; fat++) {
		unsigned char *at = sector(floppy, FAT_AT + fat * FAT_SECTORS) + number * 3 / 2;
		if (number % 2) {
			at[0] = (unsigned char)((at[0] & 0x0F) | (next << 4));
			at[1] = (unsigned char)(next >> 4);
		} else {
			at[0] = (unsigned char)next;
			at[1] = (unsigned char)((at[1] & 0xF0) | (next >> 8));
		}
	}
}

static unsigned clusters_for(int64_t bytes)
{
	return (unsigned)((bytes + SECTOR_SIZE - 1) / SECTOR_SIZE);
}

/* The first of that many in a row, 0 for none; -1 if there are no more. */
static int allocate(struct floppy *floppy, unsigned count, struct error *err)
{
	unsigned first = FIRST_CLUSTER + floppy->used;

	if (count > CLUSTERS - floppy->used)
		return fail(err, ERROR_CATALOG, "a floppy disk of 1.44 MB has no room for them");
	for (unsigned i = 0; i < count; i++)
		set_next(floppy, first + i, i + 1 < count ? first + i + 1 : LAST_OF_CHAIN);
	floppy->used += count;
	return count ? (int)first : 0;
}

static void set_times(struct floppy *floppy, int64_t epoch)
{
	static const int64_t first = 315532800; /* 1980, where FAT begins */
	time_t seconds = (time_t)(epoch < first ? first : epoch);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	floppy->time = (uint16_t)(tm.tm_hour << 11 | tm.tm_min << 5 | tm.tm_sec / 2);
	floppy->date = (uint16_t)((tm.tm_year - 80) << 9 | (tm.tm_mon + 1) << 5 | tm.tm_mday);
}

/* ---- folders ---- */

static void write_entry(const struct floppy *floppy, unsigned char *at, const void *brief,
	unsigned attributes, unsigned first, uint32_t size)
{
	memcpy(at, brief, FAT_SHORT_SIZE);
	at[ENTRY_ATTRIBUTES] = (unsigned char)attributes;
	write_le16(at + ENTRY_CREATED, floppy->time);
	write_le16(at + ENTRY_CREATED + 2, floppy->date);
	write_le16(at + ENTRY_ACCESSED, floppy->date);
	write_le16(at + ENTRY_WRITTEN, floppy->time);
	write_le16(at + ENTRY_WRITTEN + 2, floppy->date);
	write_le16(at + ENTRY_CLUSTER, first);
	write_le32(at + ENTRY_SIZE_AT, size);
}

/* The last piece comes first. Each has 13 characters in three places; behind the end there is one 0, then 0xFFFF. */
static unsigned char *write_long(unsigned char *at, const struct fat_name *name)
{
	static const int places[FAT_LONG_IN_ENTRY] = {
		1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
	size_t pieces = fat_name_entries(name) - 1;

	for (size_t piece = pieces; piece > 0; piece--, at += ENTRY_SIZE) {
		at[0] = (unsigned char)(piece | (piece == pieces ? LONG_LAST : 0));
		at[ENTRY_ATTRIBUTES] = IS_LONG;
		at[LONG_CHECKSUM] = fat_name_checksum(name);
		for (size_t i = 0; i < FAT_LONG_IN_ENTRY; i++) {
			size_t from = (piece - 1) * FAT_LONG_IN_ENTRY + i;
			write_le16(at + places[i], from < name->size    ? name->complete[from]
						   : from == name->size ? 0
									: 0xFFFF);
		}
	}
	return at;
}

/* A folder's own list while it is written. */
struct listing {
	const struct staged **items;
	struct fat_name *names;
	size_t count, entries;
};

static void listing_clear(struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++)
		fat_name_clear(&listing->names[i]);
	free(listing->items);
	free(listing->names);
}

static bool is_in(const struct staged *item, const char *folder)
{
	size_t size = strlen(folder);
	const char *rest = item->path + (size ? size + 1 : 0);

	return (!size || (strncmp(item->path, folder, size) == 0 && item->path[size] == '/')) &&
	       !strchr(rest, '/');
}

/* Those in FOLDER, with names; first the ones that need their short name as it is. */
static int list_folder(
	struct floppy *floppy, const char *folder, struct listing *listing, struct error *err)
{
	const struct staging *staging = &floppy->staging;
	CLEANUP(map_clear) struct map taken = {0};

	listing->items = memory_new((staging->count + 1) * sizeof(*listing->items));
	listing->names = memory_new((staging->count + 1) * sizeof(*listing->names));
	for (int brief = 1; brief >= 0; brief--)
		for (size_t i = 0; i < staging->count; i++) {
			const struct staged *item = &staging->items[i];
			const char *name = path_name(item->path);
			if (!is_in(item, folder) || fat_name_is_brief(name) != brief)
				continue;
			if (fat_name_make(name, &taken, &listing->names[listing->count], err) < 0)
				return fail_while(err, "%s", item->path);
			listing->items[listing->count] = item;
			listing->entries += fat_name_entries(&listing->names[listing->count]);
			listing->count++;
		}
	return 0;
}

static int write_file(
	struct floppy *floppy, const struct staged *item, unsigned *first, struct error *err)
{
	autoclose int fd = staging_open(&floppy->staging, item, err);
	int at = fd < 0 ? -1 : allocate(floppy, clusters_for(item->size), err);
	size_t done = 0;

	if (at < 0)
		return fd < 0 ? -1 : fail_while(err, "%s", item->path);
	*first = (unsigned)at;
	while (done < (size_t)item->size) {
		ssize_t got = read(fd, cluster(floppy, *first) + done, item->size - done);
		if (got <= 0)
			return fail(err, ERROR_BROKEN, "%s became shorter while it was read",
				item->source);
		done += (size_t)got;
	}
	return 0;
}

static int write_folder(struct floppy *floppy, const char *folder, unsigned above, unsigned *first,
	struct error *err);

/* The entries from AT on; SELF is the folder's first cluster, 0 for the root. */
static int write_listing(struct floppy *floppy, const struct listing *listing, unsigned char *at,
	unsigned self, struct error *err)
{
	for (size_t i = 0; i < listing->count; i++) {
		const struct staged *item = listing->items[i];
		unsigned first = 0;
		if ((item->is_folder ? write_folder(floppy, item->path, self, &first, err)
				     : write_file(floppy, item, &first, err)) < 0)
			return -1;
		at = write_long(at, &listing->names[i]);
		write_entry(floppy, at, listing->names[i].brief,
			item->is_folder ? IS_FOLDER : IS_FILE, first,
			item->is_folder ? 0 : (uint32_t)item->size);
		at[ENTRY_LOWER] = listing->names[i].lower;
		at += ENTRY_SIZE;
	}
	return 0;
}

static int write_folder(struct floppy *floppy, const char *folder, unsigned above, unsigned *first,
	struct error *err)
{
	CLEANUP(listing_clear) struct listing listing = {0};

	if (list_folder(floppy, folder, &listing, err) < 0)
		return -1;
	int at = allocate(floppy, clusters_for((int64_t)(listing.entries + 2) * ENTRY_SIZE), err);
	if (at < 0)
		return fail_while(err, "%s", folder);
	*first = (unsigned)at;
	unsigned char *entry = cluster(floppy, *first);
	write_entry(floppy, entry, ".          ", IS_FOLDER, *first, 0);
	write_entry(floppy, entry + ENTRY_SIZE, "..         ", IS_FOLDER, above, 0);
	return write_listing(floppy, &listing, entry + 2 * ENTRY_SIZE, *first, err);
}

static void copy_label(unsigned char *at, const char *label)
{
	memset(at, ' ', LABEL_SIZE);
	memcpy(at, label, strlen(label));
}

static int write_root(struct floppy *floppy, const char *label, struct error *err)
{
	CLEANUP(listing_clear) struct listing listing = {0};
	unsigned char *entry = sector(floppy, ROOT_AT), brief[LABEL_SIZE];

	if (list_folder(floppy, "", &listing, err) < 0)
		return -1;
	if (listing.entries + 1 > ROOT_ENTRIES)
		return fail(err, ERROR_CATALOG,
			"%zu files and folders need %zu entries in the root of a floppy disk, "
			"which has "
			"%d (long names need several): put them into a folder (floppy_dirs)",
			listing.count, listing.entries, ROOT_ENTRIES - 1);
	copy_label(brief, label);
	write_entry(floppy, entry, brief, IS_LABEL, 0, 0);
	return write_listing(floppy, &listing, entry + ENTRY_SIZE, 0, err);
}

/* ---- the whole ---- */

static void write_boot_sector(struct floppy *floppy, const char *label)
{
	/* nothing boots from it: the jump leads to one that says so to itself for ever */
	static const unsigned char start[] = {0xEB, 0x3C, 0x90}, loop[] = {0xEB, 0xFE};
	unsigned char *at = floppy->image;

	memcpy(at, start, sizeof(start));
	memcpy(at + 3, "KILN    ", 8);
	write_le16(at + 11, SECTOR_SIZE);
	at[13] = 1; /* sectors in a cluster */
	write_le16(at + 14, FAT_AT);
	at[16] = FATS;
	write_le16(at + 17, ROOT_ENTRIES);
	write_le16(at + 19, SECTORS);
	at[21] = MEDIA;
	write_le16(at + 22, FAT_SECTORS);
	write_le16(at + 24, 18); /* sectors in a track */
	write_le16(at + 26, 2);  /* sides */
	at[38] = 0x29;           /* what follows is there: a serial number, the label, the type */
	copy_label(at + 43, label);
	memcpy(at + 54, "FAT12   ", 8);
	memcpy(at + 62, loop, sizeof(loop));
	write_le16(at + 510, 0xAA55);
	set_next(floppy, 0, 0xF00 | MEDIA);
	set_next(floppy, 1, LAST_OF_CHAIN);
}

/* Told before anything is read: how much there is, and what is the most of it. */
static int check_sizes(const struct staging *staging, struct error *err)
{
	const struct staged *largest = NULL;
	size_t files = 0;
	int64_t bytes = 0, clusters = 0;

	for (size_t i = 0; i < staging->count; i++) {
		const struct staged *item = &staging->items[i];
		bytes += item->size;
		clusters += item->is_folder ? 1 : (item->size + SECTOR_SIZE - 1) / SECTOR_SIZE;
		files += !item->is_folder;
		if (!item->is_folder && (!largest || item->size > largest->size))
			largest = item;
	}
	if (clusters <= CLUSTERS)
		return 0;
	if (!largest)
		return fail(err, ERROR_CATALOG, "%zu folders are too many for a floppy disk",
			staging->count);
	return fail(err, ERROR_CATALOG,
		"%zu files with %lld bytes need %lld bytes of a floppy disk, which has %d; the "
		"largest is %s "
		"with %lld bytes (cd_files has more room)",
		files, (long long)bytes, (long long)clusters * SECTOR_SIZE, CLUSTERS * SECTOR_SIZE,
		largest->source, (long long)largest->size);
}

static int check_label(const char *label, struct error *err)
{
	if (strlen(label) > LABEL_SIZE)
		return fail(err, ERROR_CATALOG, "floppy_label: '%s' has more than %d characters",
			label, LABEL_SIZE);
	for (const char *p = label; *p; p++)
		if (*p < ' ' || *p > '~' || strchr("\"*+,./:;<=>?[\\]|", *p))
			return fail(err, ERROR_CATALOG,
				"floppy_label: '%s' has a character that no label may have", label);
	return 0;
}

static int write_image(struct floppy *floppy, char **path, struct error *err)
{
	struct job *job = floppy->staging.job;
	autoclose int folder = folder_make(job->work_fd, FOLDER, 0700, err);

	if (folder < 0)
		return -1;
	unlinkat(folder, NAME, 0);
	autoclose int out = openat(folder, NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		return fail_errno(err, ERROR_BROKEN, NAME);
	if (file_write_all(out, floppy->image, (size_t)SECTORS * SECTOR_SIZE, err) < 0)
		return fail_while(err, NAME);
	*path = memory_printf("%s/work/" FOLDER "/" NAME, job->folder);
	return 0;
}

static int make(struct floppy *floppy, const struct json *files, const struct json *folders,
	const char *label, char **path, struct error *err)
{
	struct staging *staging = &floppy->staging;

	if (check_label(label, err) < 0 ||
		staging_add(staging, "floppy_files", files, STAGING_FLAT, err) < 0 ||
		staging_add(staging, "floppy_dirs", folders, STAGING_NAMED, err) < 0 ||
		check_sizes(staging, err) < 0)
		return -1;
	staging_sort(staging);
	floppy->image = memory_new((size_t)SECTORS * SECTOR_SIZE);
	set_times(floppy, staging->job->epoch);
	write_boot_sector(floppy, label);
	if (write_root(floppy, label, err) < 0 || write_image(floppy, path, err) < 0)
		return -1;
	build_log_say(&staging->job->log,
		"made a floppy disk labelled %s: %zu entries, %u of %d bytes", label,
		staging->count, floppy->used * SECTOR_SIZE, CLUSTERS * SECTOR_SIZE);
	return 0;
}

int floppy_make(struct job *job, const struct json *files, const struct json *folders,
	const char *label, char **path, struct error *err)
{
	struct floppy floppy = {.staging = {.job = job, .folds_case = true}};
	int result = make(&floppy, files, folders, *label ? label : DEFAULT_LABEL, path, err);

	free(floppy.image);
	staging_clear(&floppy.staging);
	return result < 0 ? fail_while(err, "making the floppy disk") : 0;
}
