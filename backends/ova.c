/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/ova.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backends/late_archive.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

enum { BLOCK_SIZE = 256 * 1024 };

static int fail_archive(struct archive *archive, struct error *err)
{
	return fail(err, ERROR_CATALOG, "it is no tar: %s", late_archive_error_string(archive));
}

static int unpack_file(
	struct job *job, struct archive *archive, int folder, const char *name, struct error *err)
{
	autofree char *buffer = memory_resize(NULL, BLOCK_SIZE, 1);
	autoclose int out =
		openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (out < 0)
		return fail_errno(err, ERROR_CATALOG, "%s", name);
	for (la_ssize_t got; (got = late_archive_read_data(archive, buffer, BLOCK_SIZE)) != 0;) {
		if (got < 0)
			return fail_archive(archive, err);
		if (job_check(job, err) < 0 || job_check_space(job, err) < 0 ||
			file_write_all(out, buffer, got, err) < 0)
			return -1;
	}
	return 0;
}

static int unpack_all(struct job *job, struct archive *archive, int folder, struct strings *names,
	struct error *err)
{
	struct archive_entry *entry;
	int result;

	while ((result = late_archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
		const char *name = late_archive_entry_pathname(entry);
		if (late_archive_entry_filetype(entry) != AE_IFREG || !name)
			continue;
		name = path_name(name);
		if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (unpack_file(job, archive, folder, name, err) < 0)
			return -1;
		strings_add(names, name);
	}
	return result == ARCHIVE_EOF ? 0 : fail_archive(archive, err);
}

int ova_unpack(struct job *job, const char *path, const char *folder, struct strings *names,
	struct error *err)
{
	autofree char *rooted = memory_printf(JOB_REPOSITORY "/%s", path);
	autoclose int in = job_open_path(job, rooted, O_RDONLY | O_NOFOLLOW, 0, err);
	autoclose int out = in < 0 ? -1 : folder_make_inside(job->tree_fd, folder, 0755, err);

	if (out < 0 || late_load_archive(err) < 0)
		return -1;
	struct archive *archive = late_archive_read_new();
	late_archive_read_support_format_tar(archive);
	int result = late_archive_read_open_fd(archive, in, BLOCK_SIZE) == ARCHIVE_OK
	                     ? unpack_all(job, archive, out, names, err)
	                     : fail_archive(archive, err);
	late_archive_read_free(archive);
	return result;
}
