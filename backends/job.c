/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/path.h"

enum { WATCH_USEC = 200 * 1000, WAIT_MOST_USEC = 60 * 1000 * 1000 };

/* ---- signals ---- */

static volatile sig_atomic_t cancelled;
static int cancelled_fd = -1; /* readable from then on: a signal just before a poll ends it too */

static void note_signal(int signal)
{
	static const uint64_t one = 1;
	int saved = errno;

	(void)signal;
	cancelled = 1;
	if (write(cancelled_fd, &one, sizeof(one)) < 0)
		errno = 0; /* there is none: polls have ends of their own */
	errno = saved;
}

void job_catch_signals(void)
{
	struct sigaction action = {.sa_handler = note_signal}; /* no SA_RESTART: polls must wake */

	cancelled_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN); /* leases are asked for, and given back at once */
}

bool job_is_cancelled(void)
{
	return cancelled;
}

int job_check(struct job *job, struct error *err)
{
	if (cancelled)
		return fail(err, ERROR_CONFLICT, "cancelled");
	if (job->deadline_usec && moment_elapsed_usec() > job->deadline_usec)
		return fail(
			err, ERROR_TRANSIENT, "the build took longer than limits.build_timeout");
	if (!job->watch || moment_elapsed_usec() < job->watched_usec + WATCH_USEC)
		return 0;
	int result = job->watch(job->watched, err);
	job->watched_usec = moment_elapsed_usec();
	return result;
}

int job_wait(struct job *job, int fd, short events, short *got, int64_t usec, struct error *err)
{
	struct pollfd waits[] = {{.fd = fd, .events = events},
		{.fd = cancelled_fd, .events = POLLIN},
		{.fd = job->watch ? job->watched_fds[0] : -1, .events = POLLIN},
		{.fd = job->watch ? job->watched_fds[1] : -1, .events = POLLIN}};

	if (job->deadline_usec && job->deadline_usec - moment_elapsed_usec() < usec)
		usec = job->deadline_usec - moment_elapsed_usec() + 1000;
	int count = poll(waits, sizeof(waits) / sizeof(*waits),
		usec < 0                ? 0
		: usec < WAIT_MOST_USEC ? (int)((usec + 999) / 1000)
					: WAIT_MOST_USEC / 1000);
	if (got)
		*got = count > 0 ? waits[0].revents : 0;
	if (count > 0 && (waits[2].revents || waits[3].revents))
		job->watched_usec = 0;
	return job_check(job, err);
}

/* ---- opening ---- */

const struct json *job_order(const struct job *job, const char *key)
{
	return json_get(job->order, key);
}

/*
 * Unpacked layers are never made lasting: they lie in a folder named by the kernel's boot id, so that no power cut can
 * leave half of one to be used.
 */
static int open_trees(struct job *job, struct error *err)
{
	const char *state = json_get_text(job->order, "state", NULL);
	autofree char *boot = NULL;
	size_t size;

	if (!state)
		return 0;
	if (file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 256, &boot, &size, err) < 0)
		return -1;
	boot[strcspn(boot, "\n")] = '\0';
	autofree char *path = memory_printf("%s/cache/trees/%s", state, boot);
	job->trees_fd = folder_make(AT_FDCWD, path, 0711, err);
	return job->trees_fd < 0 ? -1 : 0;
}

static int open_folders(struct job *job, struct error *err)
{
	job->folder_fd = folder_open(AT_FDCWD, job->folder, err);
	if (job->folder_fd < 0)
		return -1;
	job->work_fd = folder_make(job->folder_fd, "work", 0711, err);
	if (job->work_fd < 0)
		return -1;
	job->tree_fd = folder_make(job->work_fd, "tree", 0755, err);
	return job->tree_fd < 0 ? -1 : open_trees(job, err);
}

int job_open(struct job *job, struct json *order, struct error *err)
{
	*job = (struct job){.order = order,
		.kind = json_get_text(order, "job", ""),
		.build = json_get_text(order, "build", ""),
		.image = json_get_text(order, "image", ""),
		.folder = json_get_text(order, "folder", ""),
		.directory = json_get_text(order, "directory", ""),
		.folder_fd = -1,
		.work_fd = -1,
		.tree_fd = -1,
		.trees_fd = -1,
		.journal = {-1},
		.log = {.fd = -1},
		.userns = -1,
		.disk_reserve_bytes = json_get_integer(order, "disk_reserve_bytes", 0),
		.epoch = json_get_integer(order, "epoch", 0)};
	int64_t timeout_sec = json_get_integer(order, "timeout_sec", 0);

	if (timeout_sec)
		job->deadline_usec = moment_elapsed_usec() + timeout_sec * 1000000;
	idmap_find((uint32_t)json_get_integer(order, "subid_base", 0), &job->ids);
	if (open_folders(job, err) < 0 || journal_open(job->folder_fd, &job->journal, err) < 0 ||
		build_log_open(&job->log, job->folder_fd, job->build,
			json_get_integer(order, "log_bytes", INT64_MAX), err) < 0)
		return -1;
	const struct json *secrets = job_order(job, "secrets");
	for (size_t i = 0; i < json_count(secrets); i++)
		redactor_add_secret(
			&job->log.secrets, json_text(json_item(secrets, i), ""), "<sensitive>");
	return 0;
}

void job_close(struct job *job)
{
	build_log_flush(&job->log);
	build_log_close(&job->log);
	journal_close(&job->journal);
	cleanup_close(&job->tree_fd);
	cleanup_close(&job->trees_fd);
	cleanup_close(&job->work_fd);
	cleanup_close(&job->folder_fd);
	cleanup_close(&job->userns);
	json_free(job->order);
	json_free(job->found);
	*job = (struct job){.journal = {-1}, .log = {.fd = -1}};
}

/* ---- paths ---- */

static bool is_granted_outside(const struct job *job, const char *path)
{
	CLEANUP(strings_clear) struct strings granted = {0};

	json_get_texts(job->order, "outside", &granted);
	return strings_has(&granted, path);
}

int job_resolve(const struct job *job, const char *path, char **resolved, struct error *err)
{
	if (path_is_within(path, JOB_REPOSITORY)) {
		const char *rest = path + strlen(JOB_REPOSITORY);
		*resolved = path_beneath("", *rest ? rest + 1 : "");
	} else if (path[0] == '/') {
		if (!is_granted_outside(job, path))
			return fail(err, ERROR_CATALOG, "%s lies outside of the build's own folder",
				path);
		*resolved = memory_copy_text(path);
	} else {
		*resolved = path_beneath(job->directory, path);
	}
	if (!*resolved)
		return fail(err, ERROR_CATALOG, "%s leads out of the build's own folder", path);
	return 0;
}

/* The folders above PATH, made one by one: none of them may be a link that leads out. */
static int make_parents(int folder, const char *path, struct error *err)
{
	autoclose int here = fcntl(folder, F_DUPFD_CLOEXEC, 3);

	for (const char *slash; (slash = strchr(path, '/')); path = slash + 1) {
		autofree char *name = memory_copy_bytes(path, slash - path);
		if (mkdirat(here, name, 0755) < 0 && errno != EEXIST)
			return fail_errno(err, ERROR_BROKEN, "%s", name);
		int next = file_open_beneath(here, name, O_RDONLY | O_DIRECTORY, 0);
		if (next < 0)
			return fail_errno(err, ERROR_CATALOG, "%s", name);
		close(here);
		here = next;
	}
	return 0;
}

static int fail_opening(const char *path, struct error *err)
{
	if (errno == EXDEV)
		return fail(
			err, ERROR_CATALOG, "%s: a link leads out of the build's own folder", path);
	return fail_errno(err, ERROR_CATALOG, "%s", path);
}

int job_open_path(
	const struct job *job, const char *path, int flags, mode_t mode, struct error *err)
{
	autofree char *resolved = NULL;

	if (job_resolve(job, path, &resolved, err) < 0)
		return -1;
	if (resolved[0] == '/') {
		int outside = open(resolved, flags | O_CLOEXEC | O_NOCTTY, mode);
		return outside < 0 ? fail_errno(err, ERROR_CATALOG, "%s", resolved) : outside;
	}
	if ((flags & O_CREAT) && make_parents(job->tree_fd, resolved, err) < 0)
		return -1;
	int fd = file_open_beneath(job->tree_fd, resolved, flags, mode);
	return fd < 0 ? fail_opening(path, err) : fd;
}

int job_remove_path(const struct job *job, const char *resolved, struct error *err)
{
	autofree char *folder = path_folder(resolved);
	autoclose int fd =
		file_open_beneath(job->tree_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return fail_opening(resolved, err);
	if (unlinkat(fd, path_name(resolved), 0) < 0 && errno != ENOENT)
		return fail_errno(err, ERROR_CATALOG, "%s", resolved);
	return 0;
}

int job_check_space(const struct job *job, struct error *err)
{
	struct statvfs status;

	if (fstatvfs(job->work_fd, &status) < 0)
		return 0;
	int64_t left = (int64_t)status.f_bavail * (int64_t)status.f_frsize;
	if (left >= job->disk_reserve_bytes)
		return 0;
	return fail(err, ERROR_RESOURCE,
		"the disk is full: %lld bytes are left on the file system of %s, and %lld are to "
		"stay "
		"(limits.disk_reserve_bytes)",
		(long long)left, job->folder, (long long)job->disk_reserve_bytes);
}
