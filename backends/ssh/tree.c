/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/ssh/channel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/strings.h"

enum { MEGABYTE = 1000 * 1000, QUIET_USEC = 5 * 1000 * 1000, LOOK_BYTES = 32 * MEGABYTE };

/* ---- words ---- */

#define PLAIN_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:+,@"

void quote_path(const char *path, struct text *out)
{
	if (*path == '~') {
		size_t user = strcspn(path, "/");
		bool plain =
			strspn(path + 1, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == user - 1;
		if (plain) {
			text_add_bytes(out, path, user);
			path += user;
		}
	}
	if (!*path)
		return;
	/* a shell of Windows keeps the quotes as they are */
	if (*path != '-' && !path[strspn(path, PLAIN_CHARACTERS)]) {
		text_add(out, path);
		return;
	}
	autofree char *escaped = text_replace(path, strlen(path), "'", "'\\''", NULL);
	text_addf(out, "'%s%s'", *path == '-' ? "./" : "", escaped);
}

/* ---- progress ---- */

void progress_begin(struct progress *progress, struct job *job, const char *verb, const char *name,
	int64_t total)
{
	*progress = (struct progress){.job = job,
		.verb = verb,
		.name = name,
		.total = total,
		.next_usec = moment_elapsed_usec() + QUIET_USEC};
}

int progress_add(struct progress *progress, size_t bytes, struct error *err)
{
	int64_t before = progress->done, now = moment_elapsed_usec();

	progress->done += bytes;
	if (now > progress->next_usec) {
		progress->next_usec = now + QUIET_USEC;
		build_log_say(&progress->job->log, "%s %s: %lld of %lld MB", progress->verb,
			progress->name, (long long)(progress->done / MEGABYTE),
			(long long)(progress->total / MEGABYTE));
	}
	if (before / LOOK_BYTES == progress->done / LOOK_BYTES)
		return 0;
	return job_check_space(progress->job, err);
}

/* ---- sending a folder ---- */

static int walk_below(struct walk *walk, const char *path, int depth, struct error *err);

static int walk_entry(struct walk *walk, const char *path, int depth, struct error *err)
{
	autoclose int fd = file_open_beneath(walk->folder, path, O_RDONLY | O_NONBLOCK, 0);
	struct stat status;

	if (fd < 0 && errno == EXDEV)
		return fail(err, ERROR_CATALOG, "%s: a link leads out of the folder", path);
	if (fd < 0 || fstat(fd, &status) < 0)
		return fail_errno(err, ERROR_CATALOG, "%s", path);
	if (!S_ISDIR(status.st_mode))
		return walk->file(walk, path, fd, status.st_mode & 0777, err);
	if (depth >= FOLDERS_DEEP_MOST)
		return fail(err, ERROR_CATALOG, "%s: more than %d folders in each other", path,
			FOLDERS_DEEP_MOST);
	if (walk->enter(walk, path, status.st_mode & 0777, err) < 0 ||
		walk_below(walk, path, depth + 1, err) < 0)
		return -1;
	return walk->leave ? walk->leave(walk, path, status.st_mode & 0777, err) : 0;
}

static int walk_below(struct walk *walk, const char *path, int depth, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};
	autoclose int folder = file_open_beneath(walk->folder, path, O_RDONLY | O_DIRECTORY, 0);

	if (folder < 0)
		return fail_errno(err, ERROR_CATALOG, "%s", path);
	if (folder_list(folder, ".", &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		autofree char *below =
			*path ? memory_printf("%s/%s", path, name) : memory_copy_text(name);
		if (walk_entry(walk, below, depth, err) < 0)
			return -1;
	}
	return 0;
}

int walk_folder(struct walk *walk, struct error *err)
{
	return walk_below(walk, "", 0, err);
}

/* ---- receiving one ---- */

/* The other side is a stranger: it may say "../../etc/passwd". */
static int check_name(const char *name, struct error *err)
{
	if (*name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
		return 0;
	return fail(err, ERROR_CATALOG, "the other side sends a file called '%s'", name);
}

int receive_file(int folder, const char *name, mode_t mode, struct error *err)
{
	if (check_name(name, err) < 0)
		return -1;
	int fd = openat(folder, name,
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct stat status;
	if (fd < 0)
		return fail_errno(err, ERROR_CATALOG, "%s", name);
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
		fchmod(fd, (mode & 0777) | 0600) < 0) {
		close(fd);
		return fail(err, ERROR_CATALOG, "%s is there and no plain file", name);
	}
	return fd;
}

int receive_folder(int folder, const char *name, mode_t mode, struct error *err)
{
	if (check_name(name, err) < 0)
		return -1;
	if (mkdirat(folder, name, (mode & 0777) | 0700) < 0 && errno != EEXIST)
		return fail_errno(err, ERROR_CATALOG, "%s", name);
	int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? fail_errno(err, ERROR_CATALOG, "%s", name) : fd;
}
