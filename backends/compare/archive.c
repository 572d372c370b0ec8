/* SPDX-License-Identifier: Apache-2.0 */
/* Source: opencontainers/image-spec v1.0, layer.md (whiteouts). */
#include "backends/compare/listing.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/late_archive.h"
#include "backends/rootfs/oci.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"

enum { BLOCK_SIZE = 256 * 1024 };

#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"

static void free_archive(struct archive **archive)
{
	late_archive_read_free(*archive);
}

/* ---- one entry ---- */

/* "./etc/passwd", "etc/passwd" and "/etc/passwd" are one; the caller frees. */
static char *rooted(const char *path)
{
	while (text_starts_with(path, "./"))
		path += 2;
	while (*path == '/')
		path++;
	if (strcmp(path, ".") == 0)
		path++;
	size_t size = strlen(path);
	while (size && path[size - 1] == '/')
		size--;
	autofree char *plain = memory_copy_bytes(path, size);
	return memory_printf("/%s", plain);
}

/* Holes of a sparse file are not handed out. */
static void add_zeros(struct digest_stream *stream, int64_t count)
{
	static const char zeros[4096];

	for (; count > 0; count -= (int64_t)sizeof(zeros))
		digest_stream_add(stream, zeros,
			count < (int64_t)sizeof(zeros) ? (size_t)count : sizeof(zeros));
}

static int digest_content(struct job *job, struct archive *archive, int64_t all,
	struct digest *digest, struct error *err)
{
	CLEANUP(digest_stream_freep)
	struct digest_stream *stream = digest_stream_new(DIGEST_SHA256);
	la_int64_t at = 0, offset;
	const void *bytes;
	size_t size;
	int more;

	while ((more = late_archive_read_data_block(archive, &bytes, &size, &offset)) ==
		ARCHIVE_OK) {
		if (job_check(job, err) < 0)
			return -1;
		add_zeros(stream, offset - at);
		digest_stream_add(stream, bytes, size);
		at = offset + (la_int64_t)size;
	}
	if (more != ARCHIVE_EOF)
		return fail(err, ERROR_CATALOG, "%s", late_archive_error_string(archive));
	add_zeros(stream, all - at);
	digest_stream_end(stream, digest->bytes);
	return 0;
}

/* Capabilities and other attributes: all of them as one digest behind the line. */
static char *with_attributes(char *line, struct archive_entry *entry)
{
	CLEANUP(strings_clear) struct strings attributes = {0};
	const char *name;
	const void *value;
	size_t size;

	late_archive_entry_xattr_reset(entry);
	while (late_archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		autofree char *hex = memory_new(2 * size + 1);
		digest_write_hex(value, size, hex);
		strings_addf(&attributes, "%s=%s", name, hex);
	}
	if (!attributes.count)
		return line;
	strings_sort(&attributes);
	autofree char *all = strings_join(&attributes, "\n"), *old = line;
	struct digest digest;
	char text[DIGEST_TEXT_SIZE];
	digest_of(all, strlen(all), &digest);
	return memory_printf("%s attributes %s", old, digest_text(&digest, text));
}

static int add_entry(struct job *job, struct archive *archive, struct archive_entry *from,
	const char *path, struct listing *listing, struct error *err)
{
	struct digest digest;
	struct listing_entry entry = {.mode = late_archive_entry_mode(from),
		.owner = late_archive_entry_uid(from),
		.group = late_archive_entry_gid(from),
		.size = late_archive_entry_size(from),
		.target = late_archive_entry_symlink(from),
		.major = late_archive_entry_rdevmajor(from),
		.minor = late_archive_entry_rdevminor(from)};
	const char *other = late_archive_entry_hardlink(from);

	if (other) { /* it is what its first name is */
		autofree char *first = rooted(other);
		const char *line = listing_find(listing, first);
		listing_add(listing, path,
			line ? memory_copy_text(line) : memory_printf("a name of %s", first));
		return 0;
	}
	if (S_ISREG(entry.mode)) {
		if (digest_content(job, archive, entry.size, &digest, err) < 0)
			return fail_while(err, "%s", path);
		entry.digest = &digest;
	}
	listing_add(listing, path, with_attributes(listing_describe(&entry), from));
	return 0;
}

/* ---- the whole ---- */

/* What a layer takes away goes before what it brings. */
static void apply_whiteouts(struct listing *listing, const struct strings *whiteouts)
{
	strings_each (path, whiteouts) {
		const char *name = path_name(path);
		autofree char *folder = memory_copy_bytes(path, (size_t)(name - path) - 1);
		if (strcmp(name, OPAQUE) == 0) {
			listing_remove(listing, folder, false);
			continue;
		}
		autofree char *hidden = memory_printf("%s/%s", folder, name + strlen(WHITEOUT));
		listing_remove(listing, hidden, true);
	}
}

static int read_entries(struct job *job, struct archive *archive, bool layer,
	struct listing *listing, struct strings *whiteouts, struct error *err)
{
	struct archive_entry *entry;
	bool first = true;
	int more;

	while ((more = late_archive_read_next_header(archive, &entry)) != ARCHIVE_EOF) {
		if (more < ARCHIVE_WARN && first)
			return 0;
		if (more < ARCHIVE_WARN)
			return fail(err, ERROR_CATALOG, "the archive cannot be read: %s",
				late_archive_error_string(archive));
		first = false;
		if (!late_archive_entry_pathname(entry))
			continue;
		autofree char *path = rooted(late_archive_entry_pathname(entry));
		if (layer && text_starts_with(path_name(path), WHITEOUT))
			strings_add(whiteouts, path);
		else if (add_entry(job, archive, entry, path, listing, err) < 0)
			return -1;
	}
	return 1;
}

int listing_read_archive(
	struct job *job, int fd, bool layer, struct listing *listing, struct error *err)
{
	if (late_load_archive(err) < 0)
		return -1;
	CLEANUP(free_archive) struct archive *archive = late_archive_read_new();
	CLEANUP(strings_clear) struct strings whiteouts = {0};
	CLEANUP(listing_clear) struct listing own = {0};

	late_archive_read_support_filter_gzip(archive);
	late_archive_read_support_filter_bzip2(archive);
	late_archive_read_support_filter_xz(archive);
	late_archive_read_support_filter_zstd(archive);
	late_archive_read_support_filter_lz4(archive);
	late_archive_read_support_format_tar(archive);
	late_archive_read_support_format_cpio(archive);
	late_archive_read_support_format_zip(archive);
	late_archive_read_support_format_iso9660(archive);
	late_archive_read_set_options(archive, "hdrcharset=BINARY");
	if (lseek(fd, 0, SEEK_SET) < 0 ||
		late_archive_read_open_fd(archive, fd, BLOCK_SIZE) != ARCHIVE_OK)
		return 0;
	int read = read_entries(job, archive, layer, &own, &whiteouts, err);
	if (read <= 0)
		return read;
	apply_whiteouts(listing, &whiteouts);
	map_each (entry, &own.lines) {
		const char *below = listing_find(listing, entry->key);
		/* what was a folder in a layer below is none any more */
		if (below && text_starts_with(below, "folder") &&
			!text_starts_with(entry->value, "folder"))
			listing_remove(listing, entry->key, false);
	}
	listing_add_all(listing, "", &own);
	return 1;
}

int listing_read_oci(struct job *job, int folder, struct listing *listing, struct error *err)
{
	struct oci_image image;
	int result = 0;

	if (oci_read(folder, &image, err) < 0)
		return -1;
	listing_add(listing, "config", json_to_line(json_get(image.config, "config")));
	for (size_t i = 0; i < image.count && result == 0; i++) {
		autoclose int fd = oci_open_layer(&image, i, err);
		int read = fd < 0 ? -1 : listing_read_archive(job, fd, true, listing, err);
		if (read == 0)
			read = fail(err, ERROR_CATALOG, "layer %zu is no archive", i + 1);
		result = read < 0 ? -1 : 0;
	}
	oci_image_clear(&image);
	return result;
}
