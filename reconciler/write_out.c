/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/write_out.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

static const size_t blob_most = (size_t)8 << 30;

/* The content: of a git-lfs pointer what it points to. */
static int read_content(const struct input *input, char **bytes, size_t *size, struct error *err)
{
	if (!input->is_lfs)
		return source_read(
			input->source, &input->id, OBJECT_BLOB, blob_most, bytes, size, err);
	autofree char *object = input_lfs_object(input);
	return file_read(AT_FDCWD, object, blob_most, bytes, size, err);
}

static int check_content(
	const struct input *input, const char *bytes, size_t size, struct error *err)
{
	struct digest digest;
	char hex[DIGEST_HEX_SIZE];

	digest_of(bytes, size, &digest);
	if (strcmp(digest_hex(&digest, hex), input->value) == 0)
		return 0;
	return fail(err, ERROR_BROKEN,
		"%s has another content than the closure says: the repository is "
		"damaged (git fsck)",
		input->path);
}

/* Opens the folder that PATH lies in, made where it is missing. Nothing that is written here is a link to a folder. */
static int open_parent(int root, const char *path, struct error *err)
{
	autofree char *folder = path_folder(path);

	return folder_make_inside(root, folder, 0755, err);
}

static int write_file(const struct input *input, int root, struct error *err)
{
	autofree char *bytes = NULL;
	size_t size;
	autoclose int folder = open_parent(root, input->path, err);

	if (folder < 0)
		return -1;
	if (read_content(input, &bytes, &size, err) < 0 ||
		check_content(input, bytes, size, err) < 0)
		return -1;
	const char *name = path_name(input->path);
	if (input->mode == 0120000)
		return symlinkat(bytes, folder, name) < 0
		               ? fail_errno(err, ERROR_BROKEN, "%s", input->path)
		               : 0;
	autoclose int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", input->path);
	if (file_write_all(fd, bytes, size, err) < 0)
		return fail_while(err, "%s", input->path);
	/* one time for all: a build must not be able to tell when it was written out */
	struct timespec times[2] = {{0}, {0}};
	if (fchmod(fd, input->mode & 0777) < 0 || futimens(fd, times) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", input->path);
	return 0;
}

int write_out(const struct inputs *inputs, int folder, struct error *err)
{
	/* files first: a link to a folder must not be there while something is written below it */
	for (int links = 0; links < 2; links++) {
		map_each (entry, &inputs->files) {
			const struct input *input = entry->value;
			bool is_link = input->mode == 0120000;
			if (!input->source || input->mode == 0160000 || is_link != (links == 1))
				continue;
			if (write_file(input, folder, err) < 0)
				return fail_while(err, "writing out the closure");
		}
	}
	return 0;
}
