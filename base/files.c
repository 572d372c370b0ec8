/* SPDX-License-Identifier: Apache-2.0 */
#include "base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/strings.h"

int file_read_fd(int fd, size_t most, struct text *out, struct error *err)
{
	char buffer[16384];
	struct stat status;

	/* One read more than the size says: the end is seen without a second buffer. */
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (size_t)status.st_size <= most &&
		status.st_size > (off_t)sizeof(buffer)) {
		out->data = memory_resize(out->data, out->size + status.st_size + 1, 1);
		out->room = out->size + status.st_size + 1;
	}
	for (;;) {
		ssize_t got = read(fd, buffer, sizeof(buffer));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(err, ERROR_BROKEN, "cannot read");
		if (got == 0)
			break;
		if (out->size + got > most)
			return fail(err, ERROR_CATALOG, "larger than %zu bytes", most);
		text_add_bytes(out, buffer, got);
	}
	return 0;
}

int file_read(
	int folder, const char *path, size_t most, char **bytes, size_t *size, struct error *err)
{
	CLEANUP(text_clear) struct text content = {0};
	autoclose int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return fail_errno(err, ERROR_CATALOG, "%s", path);
	if (file_read_fd(fd, most, &content, err) < 0)
		return fail_while(err, "%s", path);
	if (size)
		*size = content.size;
	*bytes = text_take(&content);
	return 0;
}

int file_write_all(int fd, const void *bytes, size_t size, struct error *err)
{
	const char *at = bytes;

	while (size) {
		ssize_t written = write(fd, at, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return fail_errno(err, ERROR_BROKEN, "cannot write");
		at += written;
		size -= written;
	}
	return 0;
}

int file_sync(int fd, const char *name, struct error *err)
{
	if (fsync(fd) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s: cannot make it lasting (fsync)", name);
	return 0;
}

/* Writes and syncs; removes what it made when that fails. */
static int write_lasting(int folder, const char *path, mode_t mode, const void *bytes, size_t size,
	struct error *err)
{
	autoclose int fd = openat(folder, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", path);
	if (file_write_all(fd, bytes, size, err) < 0 || file_sync(fd, path, err) < 0) {
		unlinkat(folder, path, 0);
		return fail_while(err, "%s", path);
	}
	if (fchmod(fd, mode) < 0) {
		unlinkat(folder, path, 0);
		return fail_errno(err, ERROR_BROKEN, "%s", path);
	}
	return 0;
}

static int sync_parent(int folder, const char *path, struct error *err)
{
	autofree char *parent = path_folder(path);

	if (!*parent)
		return folder_sync(folder, path[0] == '/' ? "/" : ".", err);
	return folder_sync(folder, parent, err);
}

int file_write_new(int folder, const char *path, mode_t mode, const void *bytes, size_t size,
	struct error *err)
{
	if (write_lasting(folder, path, mode, bytes, size, err) < 0)
		return -1;
	return sync_parent(folder, path, err);
}

int file_replace(int folder, const char *path, mode_t mode, const void *bytes, size_t size,
	struct error *err)
{
	/* two programs may do it at the same time: each has a name of its own beside it */
	autofree char *beside = memory_printf("%s.new.%d", path, (int)getpid());

	if (unlinkat(folder, beside, 0) < 0 && errno != ENOENT)
		return fail_errno(err, ERROR_BROKEN, "%s", beside);
	if (write_lasting(folder, beside, mode, bytes, size, err) < 0)
		return -1;
	if (renameat(folder, beside, folder, path) < 0) {
		error_set_errno(err, ERROR_BROKEN, "%s", path);
		unlinkat(folder, beside, 0);
		return -1;
	}
	return sync_parent(folder, path, err);
}

int file_open_beneath(int folder, const char *path, int flags, mode_t mode)
{
	struct open_how how = {.flags = flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	struct stat status;

	autoclose int fd = syscall(SYS_openat2, folder, *path ? path : ".", &how, sizeof(how));
	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
		errno = ENXIO;
		return -1;
	}
	return TAKE_FD(fd);
}

bool file_exists(int folder, const char *path)
{
	struct stat status;

	return fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

int folder_open(int folder, const char *path, struct error *err)
{
	int fd = openat(folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", path);
	return fd;
}

int folder_make(int folder, const char *path, mode_t mode, struct error *err)
{
	int made = mkdirat(folder, path, mode);

	if (made < 0 && errno == ENOENT) {
		autofree char *parent = path_folder(path);
		if (*parent) {
			autoclose int above = folder_make(folder, parent, mode, err);
			if (above < 0)
				return -1;
		}
		made = mkdirat(folder, path, mode);
	}
	if (made < 0 && errno != EEXIST)
		return fail_errno(err, ERROR_BROKEN, "%s", path);
	return folder_open(folder, path, err);
}

int folder_make_inside(int folder, const char *path, mode_t mode, struct error *err)
{
	autoclose int here = fcntl(folder, F_DUPFD_CLOEXEC, 3);

	if (here < 0)
		return fail_errno(err, ERROR_RESOURCE, "%s", path);
	while (*path) {
		size_t size = strcspn(path, "/");
		autofree char *name = memory_copy_bytes(path, size);
		path += size + (path[size] == '/');
		if (!*name || strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0)
			return fail(err, ERROR_CATALOG, "%s leads out of the folder", name);
		if (mkdirat(here, name, mode) < 0 && errno != EEXIST)
			return fail_errno(err, ERROR_BROKEN, "%s", name);
		int next = openat(here, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return fail_errno(err, ERROR_CATALOG, "%s is no folder", name);
		close(here);
		here = next;
	}
	return TAKE_FD(here);
}

int folder_sync(int folder, const char *path, struct error *err)
{
	autoclose int fd = folder_open(folder, path, err);

	if (fd < 0)
		return -1;
	return file_sync(fd, path, err);
}

int folder_list(int folder, const char *path, struct strings *names, struct error *err)
{
	int fd = folder_open(folder, path, err);
	if (fd < 0)
		return -1;
	DIR *stream = fdopendir(fd);
	if (!stream) {
		close(fd);
		return fail_errno(err, ERROR_BROKEN, "%s", path);
	}
	struct dirent *entry;
	while ((errno = 0, entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			strings_add(names, entry->d_name);
	int failed = errno;
	closedir(stream);
	if (failed) {
		errno = failed;
		return fail_errno(err, ERROR_BROKEN, "%s", path);
	}
	strings_sort(names);
	return 0;
}

/* ---- removing whole trees ---- */

/* 0: it is gone; 1: a folder that is not empty; -1: errno says. */
static int remove_entry(int folder, const char *name)
{
	if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	if (unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return errno == ENOTEMPTY || errno == EEXIST ? 1 : -1;
}

/* A build may leave folders that their owner may not look into. */
static int open_for_removal(int folder, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(folder, name, flags);

	if (fd < 0 && errno == EACCES && fchmodat(folder, name, 0700, 0) == 0)
		fd = openat(folder, name, flags);
	return fd;
}

/*
 * However deep a tree is, it takes no more descriptors than this and no more time than it has entries: a folder that is
 * not empty moves to the top, where its turn comes. Whatever interrupts it, all that is left lies below the top.
 */
struct removal {
	int top;
	unsigned moved;
};

static int move_to_top(struct removal *removal, int folder, const char *name)
{
	for (;;) {
		autofree char *unused = memory_printf(".removing-%u", removal->moved++);
		if (renameat2(folder, name, removal->top, unused, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EEXIST)
			return -1;
	}
}

static int remove_or_move(struct removal *removal, int folder, const char *name)
{
	int result = remove_entry(folder, name);

	return result > 0 && folder != removal->top ? move_to_top(removal, folder, name) : result;
}

/* Everything in FOLDER is removed, or at the top. */
static int empty_folder(struct removal *removal, int folder)
{
	CLEANUP(strings_clear) struct strings names = {0};
	struct error ignored;
	bool opened_up = false;

	if (folder_list(folder, ".", &names, &ignored) < 0)
		return -1;
	strings_each (name, &names) {
		int result = remove_or_move(removal, folder, name);
		if (result < 0 && (errno == EACCES || errno == EPERM)) {
			/* ours, and closed to us: the folder once, what is moved out of it each time */
			if (!opened_up && fchmod(folder, 0700) < 0)
				return -1;
			opened_up = true;
			result = remove_or_move(removal, folder, name);
			if (result < 0 && errno == EACCES && fchmodat(folder, name, 0700, 0) == 0)
				result = remove_or_move(removal, folder, name);
		}
		if (result < 0)
			return -1;
		if (result == 0)
			continue;
		autoclose int inner = open_for_removal(folder, name);
		if (inner < 0 || empty_folder(removal, inner) < 0 ||
			unlinkat(folder, name, AT_REMOVEDIR) < 0)
			return -1;
	}
	return 0;
}

/* Until a look at the top finds nothing: what moved there in one round goes in the next. */
static int empty_top(struct removal *removal)
{
	for (unsigned before = 0;;) {
		if (empty_folder(removal, removal->top) < 0)
			return -1;
		if (removal->moved == before)
			return 0;
		before = removal->moved;
	}
}

int folder_remove(int folder, const char *path, struct error *err)
{
	struct removal removal = {-1, 0};
	int result = remove_entry(folder, path);

	if (result > 0) {
		autoclose int top = open_for_removal(folder, path);
		removal.top = top;
		result = top < 0 || empty_top(&removal) < 0 ? -1
		                                            : unlinkat(folder, path, AT_REMOVEDIR);
	}
	return result < 0 ? fail_errno(err, ERROR_BROKEN, "cannot remove %s", path) : 0;
}
