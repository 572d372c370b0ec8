/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/decompress.h"

#include "backends/late_archive.h"
#include "base/cleanup.h"
#include "base/files.h"

enum { BLOCK_SIZE = 256 * 1024 };

static void free_archive(struct archive **archive)
{
	late_archive_read_free(*archive);
}

int decompress_fd(struct job *job, int fd, int out, struct error *err)
{
	if (late_load_archive(err) < 0)
		return -1;
	CLEANUP(free_archive) struct archive *archive = late_archive_read_new();
	struct archive_entry *entry;
	const void *bytes;
	size_t size;
	la_int64_t offset;
	int result;

	late_archive_read_support_filter_zstd(archive);
	late_archive_read_support_format_raw(archive);
	if (late_archive_read_open_fd(archive, fd, BLOCK_SIZE) != ARCHIVE_OK ||
		late_archive_read_next_header(archive, &entry) != ARCHIVE_OK)
		return fail(err, ERROR_BROKEN, "cannot be decompressed: %s",
			late_archive_error_string(archive));
	while ((result = late_archive_read_data_block(archive, &bytes, &size, &offset)) ==
		ARCHIVE_OK)
		if (job_check(job, err) < 0 || file_write_all(out, bytes, size, err) < 0)
			return -1;
	if (result != ARCHIVE_EOF)
		return fail(err, ERROR_BROKEN, "cannot be decompressed: %s",
			late_archive_error_string(archive));
	return 0;
}
