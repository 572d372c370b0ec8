/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/pack.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "backends/job.h"
#include "backends/late_archive.h"
#include "base/cleanup.h"
#include "base/memory.h"

enum { COPY_SIZE = 256 * 1024 };

struct pack {
	struct archive *archive;
	struct compressor *compressor;
	enum pack_format format;
	struct error failure; /* of a write that libarchive asked for */
};

static la_ssize_t write_out(struct archive *archive, void *context, const void *bytes, size_t size)
{
	struct pack *pack = context;

	if (compressor_write(pack->compressor, bytes, size, &pack->failure) == 0)
		return (la_ssize_t)size;
	late_archive_set_error(archive, EIO, "%s", pack->failure.text);
	return -1;
}

static int fail_pack(struct pack *pack, const char *name, struct error *err)
{
	if (pack->failure.kind != ERROR_NONE) {
		*err = pack->failure;
		return -1;
	}
	return fail(err, error_kind_of_errno(late_archive_errno(pack->archive), ERROR_BROKEN),
		"%s: %s", name, late_archive_error_string(pack->archive));
}

struct pack *pack_open(struct compressor *compressor, enum pack_format format, struct error *err)
{
	if (late_load_archive(err) < 0)
		return NULL;
	struct pack *pack = memory_new(sizeof(*pack));
	pack->archive = late_archive_write_new();
	pack->compressor = compressor;
	pack->format = format;
	int result = format == PACK_ZIP ? late_archive_write_set_format_zip(pack->archive)
	                                : late_archive_write_set_format_gnutar(pack->archive);
	late_archive_write_set_bytes_per_block(pack->archive, 64 * 1024);
	late_archive_write_set_bytes_in_last_block(pack->archive, 1);
	if (result != ARCHIVE_OK ||
		late_archive_write_open(pack->archive, pack, NULL, write_out, NULL) != ARCHIVE_OK) {
		fail_pack(pack, "archive", err);
		pack_free(pack);
		return NULL;
	}
	return pack;
}

static int add_header(struct pack *pack, const char *name, mode_t mode, int64_t size, int64_t mtime,
	struct error *err)
{
	struct archive_entry *entry = late_archive_entry_new();

	late_archive_entry_copy_pathname(entry, name);
	late_archive_entry_set_filetype(entry, AE_IFREG);
	late_archive_entry_set_perm(entry, pack->format == PACK_ZIP ? 0644 : mode & 07777);
	late_archive_entry_set_size(entry, size);
	late_archive_entry_set_mtime(entry, mtime, 0);
	late_archive_entry_set_uname(entry, "root");
	late_archive_entry_set_gname(entry, "root");
	int result = late_archive_write_header(pack->archive, entry);
	late_archive_entry_free(entry);
	return result == ARCHIVE_OK ? 0 : fail_pack(pack, name, err);
}

int pack_add_bytes(struct pack *pack, const char *name, const void *bytes, size_t size,
	int64_t mtime, struct error *err)
{
	if (add_header(pack, name, 0644, (int64_t)size, mtime, err) < 0)
		return -1;
	if (late_archive_write_data(pack->archive, bytes, size) != (la_ssize_t)size)
		return fail_pack(pack, name, err);
	return 0;
}

int pack_add(struct pack *pack, struct job *job, const char *name, int fd,
	const struct stat *status, int64_t mtime, struct error *err)
{
	autofree char *buffer = memory_resize(NULL, COPY_SIZE, 1);
	int64_t left = status->st_size;

	if (add_header(pack, name, status->st_mode, left, mtime, err) < 0)
		return -1;
	while (left > 0) {
		ssize_t got = read(fd, buffer, left < COPY_SIZE ? (size_t)left : COPY_SIZE);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(err, ERROR_BROKEN, "%s", name);
		if (got == 0)
			return fail(err, ERROR_BROKEN, "%s became shorter while it was read", name);
		if (job_check(job, err) < 0 || job_check_space(job, err) < 0)
			return -1;
		if (late_archive_write_data(pack->archive, buffer, got) != got)
			return fail_pack(pack, name, err);
		left -= got;
	}
	return 0;
}

int pack_close(struct pack *pack, struct error *err)
{
	int result = late_archive_write_close(pack->archive) == ARCHIVE_OK
	                     ? 0
	                     : fail_pack(pack, "archive", err);

	pack_free(pack);
	return result;
}

void pack_free(struct pack *pack)
{
	if (!pack)
		return;
	late_archive_write_free(pack->archive);
	free(pack);
}
