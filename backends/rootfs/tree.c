/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/rootfs/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "backends/late_archive.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/strings.h"
#include "base/text.h"

enum { DEPTH_MOST = 1000, COPY_SIZE = 256 * 1024, XATTR_MOST = 65536 };

#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"
#define OVERLAY_XATTRS "user.overlay."

/* ---- packing ---- */

struct packer {
	struct archive *archive;
	enum tree_form form;
	int64_t epoch;
	struct map links; /* "dev:ino" -> path of the first */
	struct text path; /* of the entry at hand, from the root */
	char *buffer;
	unsigned depth;
	struct error *err;
};

static int fail_archive(struct packer *packer)
{
	int number = late_archive_errno(packer->archive);

	return fail(packer->err, error_kind_of_errno(number, ERROR_BROKEN), "%s: %s",
		text_get(&packer->path), late_archive_error_string(packer->archive));
}

static int fail_here(struct packer *packer)
{
	return fail_errno(packer->err, ERROR_BROKEN, "%s", text_get(&packer->path));
}

static struct archive_entry *new_entry(struct packer *packer, const struct stat *status)
{
	struct archive_entry *entry = late_archive_entry_new();

	late_archive_entry_copy_pathname(entry, text_get(&packer->path));
	late_archive_entry_set_filetype(entry, status->st_mode & S_IFMT);
	late_archive_entry_set_perm(entry, status->st_mode & 07777);
	late_archive_entry_set_uid(entry, status->st_uid);
	late_archive_entry_set_gid(entry, status->st_gid);
	late_archive_entry_set_mtime(entry,
		status->st_mtim.tv_sec > packer->epoch ? packer->epoch : status->st_mtim.tv_sec, 0);
	if (S_ISREG(status->st_mode))
		late_archive_entry_set_size(entry, status->st_size);
	return entry;
}

/* Extended attributes that belong to the image: capabilities, ACLs, the user's own, not the overlay's. */
static bool is_kept_xattr(const char *name)
{
	if (text_starts_with(name, "user."))
		return !text_starts_with(name, OVERLAY_XATTRS);
	return strcmp(name, "security.capability") == 0 ||
	       text_starts_with(name, "system.posix_acl_");
}

static int add_xattrs(struct packer *packer, int fd, struct archive_entry *entry)
{
	CLEANUP(strings_clear) struct strings names = {0};
	autofree char *list = memory_new(XATTR_MOST);
	ssize_t size = flistxattr(fd, list, XATTR_MOST);

	if (size < 0)
		return errno == ENOTSUP || errno == EBADF ? 0 : fail_here(packer);
	for (ssize_t at = 0; at < size; at += strlen(list + at) + 1)
		if (is_kept_xattr(list + at))
			strings_add(&names, list + at);
	strings_sort(&names);
	strings_each (name, &names) {
		ssize_t length = fgetxattr(fd, name, packer->buffer, COPY_SIZE);
		if (length < 0)
			return fail_here(packer);
		late_archive_entry_xattr_add_entry(entry, name, packer->buffer, length);
	}
	return 0;
}

static int write_entry(struct packer *packer, struct archive_entry *entry)
{
	int result = late_archive_write_header(packer->archive, entry);

	late_archive_entry_free(entry);
	/* a warning is a name that is no UTF-8: it is written as it is, and marked so */
	return result < ARCHIVE_WARN ? fail_archive(packer) : 0;
}

static int write_content(struct packer *packer, int fd, int64_t size)
{
	while (size > 0) {
		ssize_t got = read(fd, packer->buffer, size < COPY_SIZE ? (size_t)size : COPY_SIZE);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_here(packer);
		if (got == 0)
			return fail(packer->err, ERROR_BROKEN,
				"%s became shorter while it was read", text_get(&packer->path));
		if (late_archive_write_data(packer->archive, packer->buffer, got) != got)
			return fail_archive(packer);
		size -= got;
	}
	return 0;
}

/* A file with several names is stored under the first and linked from the others. True if this is another name. */
static bool note_link(struct packer *packer, const struct stat *status, const char **first)
{
	char key[64];

	if (status->st_nlink < 2)
		return false;
	snprintf(key, sizeof(key), "%llu:%llu", (unsigned long long)status->st_dev,
		(unsigned long long)status->st_ino);
	*first = map_find(&packer->links, key);
	if (*first)
		return true;
	map_set(&packer->links, key, memory_copy_text(text_get(&packer->path)));
	return false;
}

static int pack_file(struct packer *packer, int folder, const char *name, const struct stat *status)
{
	struct archive_entry *entry = new_entry(packer, status);
	const char *first;

	if (note_link(packer, status, &first)) {
		late_archive_entry_copy_hardlink(entry, first);
		late_archive_entry_unset_size(entry);
		return write_entry(packer, entry);
	}
	autoclose int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || add_xattrs(packer, fd, entry) < 0) {
		late_archive_entry_free(entry);
		return fd < 0 ? fail_here(packer) : -1;
	}
	if (write_entry(packer, entry) < 0)
		return -1;
	return write_content(packer, fd, status->st_size);
}

static int pack_link(struct packer *packer, int folder, const char *name, const struct stat *status)
{
	struct archive_entry *entry = new_entry(packer, status);
	ssize_t size = readlinkat(folder, name, packer->buffer, COPY_SIZE - 1);
	const char *first;

	if (size < 0) {
		late_archive_entry_free(entry);
		return fail_here(packer);
	}
	packer->buffer[size] = '\0';
	if (note_link(packer, status, &first))
		late_archive_entry_copy_hardlink(entry, first);
	else
		late_archive_entry_copy_symlink(entry, packer->buffer);
	return write_entry(packer, entry);
}

/* An empty file called PREFIX and the name of what is gone. */
static int pack_whiteout(struct packer *packer, const char *name)
{
	size_t folder_size = packer->path.size - strlen(name);
	autofree char *path = memory_printf(
		"%.*s" WHITEOUT "%s", (int)folder_size, text_get(&packer->path), name);
	struct archive_entry *entry = late_archive_entry_new();

	late_archive_entry_copy_pathname(entry, path);
	late_archive_entry_set_filetype(entry, AE_IFREG);
	late_archive_entry_set_perm(entry, 0644);
	late_archive_entry_set_size(entry, 0);
	late_archive_entry_set_mtime(entry, packer->epoch < 0 ? packer->epoch : 0, 0);
	return write_entry(packer, entry);
}

static int pack_opaque(struct packer *packer, int fd)
{
	char value[4];
	size_t before = packer->path.size;

	if (packer->form != TREE_LAYER ||
		fgetxattr(fd, OVERLAY_XATTRS "opaque", value, sizeof(value)) < 1 || value[0] != 'y')
		return 0;
	/* pack_whiteout puts its own prefix before the name */
	text_add(&packer->path, "/" WHITEOUT ".opq");
	int result = pack_whiteout(packer, WHITEOUT ".opq");
	packer->path.size = before;
	packer->path.data[before] = '\0';
	return result;
}

static int clamp(struct packer *packer, int folder, const char *name, const struct stat *status)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = packer->epoch}};

	if (packer->form != TREE_LAYER ||
		(status->st_mtim.tv_sec <= packer->epoch && !status->st_mtim.tv_nsec))
		return 0;
	if (status->st_mtim.tv_sec < packer->epoch)
		times[1].tv_sec = status->st_mtim.tv_sec; /* only the fraction goes */
	if (utimensat(folder, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_here(packer);
	return 0;
}

static int pack_inside(struct packer *packer, int folder);

static int pack_folder(
	struct packer *packer, int folder, const char *name, const struct stat *status)
{
	struct archive_entry *entry = new_entry(packer, status);
	autoclose int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || add_xattrs(packer, fd, entry) < 0) {
		late_archive_entry_free(entry);
		return fd < 0 ? fail_here(packer) : -1;
	}
	if (write_entry(packer, entry) < 0 || pack_opaque(packer, fd) < 0)
		return -1;
	return pack_inside(packer, fd);
}

static int pack_one(struct packer *packer, int folder, const char *name)
{
	struct stat status;

	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_here(packer);
	int result = 0;
	switch (status.st_mode & S_IFMT) {
	case S_IFREG:
		result = pack_file(packer, folder, name, &status);
		break;
	case S_IFDIR:
		result = pack_folder(packer, folder, name, &status);
		break;
	case S_IFLNK:
		result = pack_link(packer, folder, name, &status);
		break;
	case S_IFCHR:
		if (packer->form == TREE_LAYER && status.st_rdev == makedev(0, 0))
			return pack_whiteout(packer, name);
		result = write_entry(packer, new_entry(packer, &status));
		break;
	case S_IFSOCK: /* tar has none, and without its program it is nothing */
		return 0;
	default:
		result = write_entry(packer, new_entry(packer, &status));
	}
	return result < 0 ? -1 : clamp(packer, folder, name, &status);
}

static int pack_inside(struct packer *packer, int folder)
{
	CLEANUP(strings_clear) struct strings names = {0};
	size_t before = packer->path.size;

	if (++packer->depth > DEPTH_MOST)
		return fail(packer->err, ERROR_CATALOG, "folders are nested more than %d deep",
			DEPTH_MOST);
	if (folder_list(folder, ".", &names, packer->err) < 0)
		return -1;
	strings_each (name, &names) {
		if (before)
			text_add_char(&packer->path, '/');
		text_add(&packer->path, name);
		if (pack_one(packer, folder, name) < 0)
			return -1;
		packer->path.size = before;
		if (packer->path.data)
			packer->path.data[before] = '\0';
	}
	packer->depth--;
	return 0;
}

/* The root itself has a mode and an owner too. */
static int pack_root(struct packer *packer, int folder)
{
	struct stat status;

	if (fstat(folder, &status) < 0)
		return fail_here(packer);
	text_add(&packer->path, ".");
	struct archive_entry *entry = new_entry(packer, &status);
	text_reset(&packer->path);
	return write_entry(packer, entry);
}

static int open_archive(struct packer *packer, int out)
{
	if (late_load_archive(packer->err) < 0)
		return -1;
	packer->archive = late_archive_write_new();
	if (late_archive_write_set_format_pax_restricted(packer->archive) != ARCHIVE_OK ||
		late_archive_write_open_fd(packer->archive, out) != ARCHIVE_OK)
		return fail_archive(packer);
	return 0;
}

int tree_pack(int folder, enum tree_form form, int64_t epoch, int out, struct error *err)
{
	autofree char *buffer = memory_resize(NULL, COPY_SIZE, 1);
	struct packer packer = {.form = form, .epoch = epoch, .buffer = buffer, .err = err};
	int result = open_archive(&packer, out);

	packer.links.free_value = free;
	if (result == 0 && form == TREE_WHOLE)
		result = pack_root(&packer, folder);
	if (result == 0)
		result = pack_inside(&packer, folder);
	if (result == 0 && late_archive_write_close(packer.archive) != ARCHIVE_OK)
		result = fail_archive(&packer);
	if (packer.archive)
		late_archive_write_free(packer.archive);
	map_clear(&packer.links);
	text_clear(&packer.path);
	return result;
}

/* ---- unpacking ---- */

static int fail_reading(struct archive *archive, struct error *err)
{
	int number = late_archive_errno(archive);

	return fail(err, error_kind_of_errno(number, ERROR_CATALOG),
		"the archive cannot be read: %s", late_archive_error_string(archive));
}

static int fail_writing(struct archive *disk, struct archive_entry *entry, struct error *err)
{
	int number = late_archive_errno(disk);

	if (number == EPERM || number == EINVAL)
		return fail(err, ERROR_CATALOG,
			"%s: %s (owner %lld:%lld; a build has the ids 0 to 65535, or 0 alone)",
			late_archive_entry_pathname(entry), late_archive_error_string(disk),
			(long long)late_archive_entry_uid(entry),
			(long long)late_archive_entry_gid(entry));
	return fail(err, error_kind_of_errno(number, ERROR_BROKEN), "%s: %s",
		late_archive_entry_pathname(entry), late_archive_error_string(disk));
}

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? memory_copy_bytes(path, slash - path) : memory_copy_text(".");
}

/* Parents of what is hidden may stand later in the archive, or in a lower layer only. */
static void make_parents(const char *path)
{
	autofree char *parent = parent_of(path);

	for (char *slash = parent; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(parent, 0755);
		*slash = '/';
	}
	mkdir(parent, 0755);
}

static int hide(const struct tree_unpack *unpack, const char *path, struct error *err)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	autofree char *parent = parent_of(path);
	struct error ignored;

	if (strcmp(name, OPAQUE) == 0) {
		make_parents(path);
		if (unpack->apply_layer) {
			CLEANUP(strings_clear) struct strings names = {0};
			if (folder_list(AT_FDCWD, parent, &names, err) < 0)
				return -1;
			strings_each (inner, &names) {
				autofree char *full = memory_printf("%s/%s", parent, inner);
				if (folder_remove(AT_FDCWD, full, err) < 0)
					return -1;
			}
			return 0;
		}
		if (setxattr(parent, OVERLAY_XATTRS "opaque", "y", 1, 0) < 0)
			return fail_errno(err, ERROR_BROKEN, "%s", parent);
		return 0;
	}
	autofree char *hidden = memory_printf("%s/%s", parent, name + strlen(WHITEOUT));
	if (unpack->apply_layer)
		return folder_remove(AT_FDCWD, hidden, err);
	make_parents(hidden);
	folder_remove(AT_FDCWD, hidden, &ignored);
	if (mknod(hidden, S_IFCHR | 0600, makedev(0, 0)) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", hidden);
	return 0;
}

static bool is_hiding(const struct tree_unpack *unpack, const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	return (unpack->layer || unpack->apply_layer) && text_starts_with(name, WHITEOUT);
}

static void set_times(const struct tree_unpack *unpack, struct archive_entry *entry)
{
	int64_t time = late_archive_entry_mtime_is_set(entry) ? late_archive_entry_mtime(entry)
	                                                      : unpack->epoch;

	late_archive_entry_set_mtime(entry, time > unpack->epoch ? unpack->epoch : time, 0);
	late_archive_entry_unset_atime(entry);
	late_archive_entry_unset_ctime(entry);
	late_archive_entry_unset_birthtime(entry);
}

static int write_one(struct tree_unpack *unpack, struct archive *archive, struct archive *disk,
	struct archive_entry *entry, struct error *err)
{
	const void *block;
	size_t size;
	la_int64_t offset;
	int more;

	set_times(unpack, entry);
	if (late_archive_write_header(disk, entry) < ARCHIVE_WARN)
		return fail_writing(disk, entry, err);
	while (late_archive_entry_size(entry) > 0 &&
		(more = late_archive_read_data_block(archive, &block, &size, &offset)) !=
			ARCHIVE_EOF) {
		if (more < ARCHIVE_WARN)
			return fail_reading(archive, err);
		if (late_archive_write_data_block(disk, block, size, offset) < ARCHIVE_WARN)
			return fail_writing(disk, entry, err);
	}
	if (late_archive_write_finish_entry(disk) < ARCHIVE_WARN)
		return fail_writing(disk, entry, err);
	return 0;
}

static int unpack_all(struct tree_unpack *unpack, struct archive *archive, struct archive *disk,
	struct error *err)
{
	struct archive_entry *entry;
	int more;

	while ((more = late_archive_read_next_header(archive, &entry)) != ARCHIVE_EOF) {
		const char *path = late_archive_entry_pathname(entry);
		mode_t type = late_archive_entry_filetype(entry);
		if (more < ARCHIVE_WARN)
			return fail_reading(archive, err);
		if (!path)
			return fail(err, ERROR_CATALOG, "the archive has an entry without a name");
		if (is_hiding(unpack, path)) {
			if (hide(unpack, path, err) < 0)
				return -1;
			continue;
		}
		if (type == AE_IFCHR || type == AE_IFBLK) {
			unpack->skipped_devices++;
			continue;
		}
		if (write_one(unpack, archive, disk, entry, err) < 0)
			return -1;
	}
	/* folders get their times and modes now */
	if (late_archive_write_close(disk) != ARCHIVE_OK)
		return fail(err, error_kind_of_errno(late_archive_errno(disk), ERROR_BROKEN), "%s",
			late_archive_error_string(disk));
	return 0;
}

int tree_unpack(struct tree_unpack *unpack, struct error *err)
{
	if (late_load_archive(err) < 0)
		return -1;
	struct archive *archive = late_archive_read_new(), *disk = late_archive_write_disk_new();
	int flags = ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_XATTR |
	            ARCHIVE_EXTRACT_UNLINK | ARCHIVE_EXTRACT_SECURE_NODOTDOT |
	            (unpack->owners ? ARCHIVE_EXTRACT_OWNER : 0);
	int result;

	late_archive_read_support_filter_all(archive);
	late_archive_read_support_format_tar(archive);
	late_archive_read_support_format_empty(archive);
	late_archive_read_set_options(archive, "hdrcharset=BINARY");
	late_archive_write_disk_set_options(disk, flags);
	umask(0);
	/* the tree is the root while it is read: whatever the archive says, nothing of it leads out */
	if (fchdir(unpack->folder) < 0 || chroot(".") < 0)
		result = fail_errno(err, ERROR_BROKEN, "cannot enter the tree");
	else if (late_archive_read_open_fd(archive, unpack->archive, 128 * 1024) != ARCHIVE_OK)
		result = fail_reading(archive, err);
	else
		result = unpack_all(unpack, archive, disk, err);
	late_archive_read_free(archive);
	late_archive_write_free(disk);
	return result;
}
