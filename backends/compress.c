/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/compress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/bgzf.h"
#include "backends/job.h"
#include "backends/late_archive.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

enum { COPY_SIZE = 256 * 1024 };

static const char *const names[COMPRESSION_COUNT] = {
	[COMPRESSION_NONE] = "none",
	[COMPRESSION_GZIP] = "gzip",
	[COMPRESSION_ZSTD] = "zstd",
	[COMPRESSION_XZ] = "xz",
	[COMPRESSION_LZ4] = "lz4",
	[COMPRESSION_BGZF] = "bgzf",
};

const char *compression_name(enum compression compression)
{
	return names[compression];
}

enum compression compression_find(const char *name)
{
	enum compression compression = 0;

	while (compression < COMPRESSION_COUNT && strcmp(names[compression], name) != 0)
		compression++;
	return compression;
}

struct compressor {
	struct archive *archive;
	struct bgzf *bgzf; /* in place of it */
	int fd;
	struct digest_stream *digest;
	int64_t size;
	struct error failure; /* of a write that libarchive asked for */
};

static int write_bytes(void *context, const void *bytes, size_t size, struct error *err)
{
	struct compressor *compressor = context;

	if (file_write_all(compressor->fd, bytes, size, err) < 0)
		return -1;
	digest_stream_add(compressor->digest, bytes, size);
	compressor->size += size;
	return 0;
}

static la_ssize_t write_out(struct archive *archive, void *context, const void *bytes, size_t size)
{
	struct compressor *compressor = context;

	if (write_bytes(compressor, bytes, size, &compressor->failure) == 0)
		return size;
	late_archive_set_error(archive, errno, "%s", compressor->failure.text);
	return -1;
}

static int fail_archive(struct compressor *compressor, struct error *err)
{
	if (compressor->failure.kind != ERROR_NONE) {
		*err = compressor->failure;
		return -1;
	}
	return fail(err, ERROR_BROKEN, "compression: %s",
		late_archive_error_string(compressor->archive));
}

static int (**const filters[COMPRESSION_COUNT])(struct archive *) = {
	[COMPRESSION_GZIP] = &late_archive_write_add_filter_gzip,
	[COMPRESSION_ZSTD] = &late_archive_write_add_filter_zstd,
	[COMPRESSION_XZ] = &late_archive_write_add_filter_xz,
	[COMPRESSION_LZ4] = &late_archive_write_add_filter_lz4,
};

/* libarchive as a filter alone: one entry of the format "raw". */
static int open_archive(
	struct compressor *compressor, enum compression compression, int level, struct error *err)
{
	struct archive *a = compressor->archive;
	char digits[16];
	int result = late_archive_write_set_format_raw(a);

	if (filters[compression])
		result |= (*filters[compression])(a);
	if (compression == COMPRESSION_GZIP) /* no time of day in the header */
		result |= late_archive_write_set_filter_option(a, "gzip", "timestamp", NULL);
	if (compression != COMPRESSION_NONE && compression != COMPRESSION_XZ && level != 0) {
		snprintf(digits, sizeof(digits), "%d", level);
		result |= late_archive_write_set_filter_option(
			a, names[compression], "compression-level", digits);
	}
	late_archive_write_set_bytes_per_block(a, 64 * 1024);
	late_archive_write_set_bytes_in_last_block(a, 1);
	if (result != ARCHIVE_OK ||
		late_archive_write_open(a, compressor, NULL, write_out, NULL) != ARCHIVE_OK)
		return fail_archive(compressor, err);
	struct archive_entry *entry = late_archive_entry_new();
	late_archive_entry_set_filetype(entry, AE_IFREG);
	late_archive_entry_copy_pathname(entry, "data");
	result = late_archive_write_header(a, entry);
	late_archive_entry_free(entry);
	return result == ARCHIVE_OK ? 0 : fail_archive(compressor, err);
}

struct compressor *compressor_open(
	int fd, enum compression compression, int level, struct error *err)
{
	if (compression != COMPRESSION_BGZF && late_load_archive(err) < 0)
		return NULL;
	struct compressor *compressor = memory_new(sizeof(*compressor));
	compressor->fd = fd;
	compressor->digest = digest_stream_new(DIGEST_SHA256);
	if (compression == COMPRESSION_BGZF) {
		compressor->bgzf = bgzf_new(level, write_bytes, compressor);
		return compressor;
	}
	compressor->archive = late_archive_write_new();
	if (open_archive(compressor, compression, level, err) < 0) {
		compressor_free(compressor);
		return NULL;
	}
	return compressor;
}

int compressor_write(
	struct compressor *compressor, const void *bytes, size_t size, struct error *err)
{
	if (compressor->bgzf)
		return bgzf_add(compressor->bgzf, bytes, size, err);
	if (late_archive_write_data(compressor->archive, bytes, size) != (la_ssize_t)size)
		return fail_archive(compressor, err);
	return 0;
}

int compressor_close(
	struct compressor *compressor, struct digest *digest, int64_t *size, struct error *err)
{
	int result = 0;

	if (compressor->bgzf)
		result = bgzf_end(compressor->bgzf, err);
	else if (late_archive_write_close(compressor->archive) != ARCHIVE_OK)
		result = fail_archive(compressor, err);
	if (result == 0 && digest)
		digest_stream_end(compressor->digest, digest->bytes);
	if (result == 0 && size)
		*size = compressor->size;
	compressor_free(compressor);
	return result;
}

void compressor_free(struct compressor *compressor)
{
	if (!compressor)
		return;
	if (compressor->archive)
		late_archive_write_free(compressor->archive);
	bgzf_free(compressor->bgzf);
	digest_stream_free(compressor->digest);
	free(compressor);
}

int64_t compressor_add_fd(struct compressor *compressor, struct job *job, int fd,
	struct digest_stream *plain, struct error *err)
{
	autofree char *buffer = memory_resize(NULL, COPY_SIZE, 1);
	int64_t size = 0;

	for (;;) {
		ssize_t got = read(fd, buffer, COPY_SIZE);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(err, ERROR_BROKEN, "cannot read");
		if (got == 0)
			return size;
		if (job_check(job, err) < 0 || job_check_space(job, err) < 0)
			return -1;
		if (plain)
			digest_stream_add(plain, buffer, got);
		if (compressor_write(compressor, buffer, got, err) < 0)
			return -1;
		size += got;
	}
}

int compress_fd(struct job *job, int fd, int out, enum compression compression, int level,
	struct digest *plain, struct digest *digest, int64_t *size, struct error *err)
{
	CLEANUP(compressor_freep)
	struct compressor *compressor = compressor_open(out, compression, level, err);
	CLEANUP(digest_stream_freep)
	struct digest_stream *stream = digest_stream_new(DIGEST_SHA256);

	if (!compressor || compressor_add_fd(compressor, job, fd, plain ? stream : NULL, err) < 0)
		return -1;
	if (plain)
		digest_stream_end(stream, plain->bytes);
	return compressor_close(TAKE(compressor), digest, size, err);
}
