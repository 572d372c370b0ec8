/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/rootfs/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/strings.h"

/* Keeps the new namespace until the parent has written the maps and opened it. */
static void hold_namespace(int ready, int done)
{
	char byte = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWUSER) < 0)
		byte = (char)errno;
	if (write(ready, &byte, 1) != 1 || byte)
		_exit(1);
	while (read(done, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

static int open_namespace(const struct idmap *map, pid_t pid, int ready, struct error *err)
{
	autofree char *path = memory_printf("/proc/%d/ns/user", pid);
	char failed = 1;

	if (read(ready, &failed, 1) != 1 || failed) {
		errno = failed;
		return fail_errno(err, ERROR_BROKEN,
			"no user namespace can be made here (kiln doctor tells what is missing)");
	}
	if (idmap_write(map, pid, err) < 0)
		return -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? fail_errno(err, ERROR_BROKEN, "%s", path) : fd;
}

int userns_new(const struct idmap *map, struct error *err)
{
	int ready[2], done[2];

	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(done, O_CLOEXEC) < 0)
		return fail_errno(err, ERROR_BROKEN, "cannot make a pipe");
	pid_t pid = fork();
	if (pid == 0) {
		close(done[1]);
		hold_namespace(ready[1], done[0]);
	}
	close(ready[1]);
	close(done[0]);
	int fd = pid < 0 ? fail_errno(err, ERROR_BROKEN, "cannot fork")
	                 : open_namespace(map, pid, ready[0], err);
	close(ready[0]);
	close(done[1]);
	if (pid > 0)
		process_wait(pid);
	return fd;
}

int userns_enter(int userns, const struct idmap *map, struct error *err)
{
	if (setns(userns, CLONE_NEWUSER) < 0)
		return fail_errno(err, ERROR_BROKEN, "cannot enter the user namespace");
	if (map->many && setgroups(0, NULL) < 0)
		return fail_errno(err, ERROR_BROKEN, "cannot drop groups");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return fail_errno(err, ERROR_BROKEN, "cannot become root of the user namespace");
	/* changing ids made /proc/self another's; the descriptors in it are needed */
	if (prctl(PR_SET_DUMPABLE, 1) < 0)
		return fail_errno(err, ERROR_BROKEN, "prctl");
	return 0;
}

static void run_child(
	int userns, const struct idmap *map, userns_work *work, void *context, int out)
{
	struct error err = {0};
	pid_t parent = getppid();

	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_IGN);
	if (userns_enter(userns, map, &err) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* after the change of ids, which resets it */
		if (getppid() == parent && work(context, &err) == 0)
			_exit(0);
	}
	if (write(out, &err, sizeof(err)) != (ssize_t)sizeof(err))
		_exit(2);
	_exit(1);
}

int userns_start(int userns, const struct idmap *map, userns_work *work, void *context,
	struct userns_child *child, struct error *err)
{
	int ends[2];

	*child = (struct userns_child){-1, -1};
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_errno(err, ERROR_RESOURCE, "cannot make a pipe");
	child->pid = fork();
	if (child->pid == 0) {
		close(ends[0]);
		run_child(userns, map, work, context, ends[1]);
	}
	close(ends[1]);
	child->told = ends[0];
	if (child->pid > 0)
		return 0;
	cleanup_close(&child->told);
	return fail_errno(err, ERROR_RESOURCE, "cannot fork");
}

int userns_finish(struct userns_child *child, struct error *err)
{
	struct error told;
	char how[64];
	ssize_t got;

	while ((got = read(child->told, &told, sizeof(told))) < 0 && errno == EINTR)
		;
	cleanup_close(&child->told);
	int code = process_wait(child->pid);
	*child = (struct userns_child){-1, -1};
	if (code == 0)
		return 0;
	if (got != (ssize_t)sizeof(told))
		return fail(err, ERROR_BROKEN, "a helper inside the user namespace ended: %s",
			process_describe(code, how));
	*err = told;
	return -1;
}

int userns_run(
	int userns, const struct idmap *map, userns_work *work, void *context, struct error *err)
{
	struct userns_child child;

	if (userns_start(userns, map, work, context, &child, err) < 0)
		return -1;
	return userns_finish(&child, err);
}

int userns_give(const struct idmap *map, int folder, struct error *err)
{
	uint32_t uid = map->helpers ? map->uid : map->first_uid;
	uint32_t gid = map->helpers ? map->gid : map->first_gid;

	return geteuid() == 0 && fchown(folder, uid, gid) < 0
	               ? fail_errno(err, ERROR_BROKEN, "a folder of the build")
	               : 0;
}

int userns_give_all(const struct idmap *map, int folder, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};

	if (geteuid() != 0)
		return 0;
	if (folder_list(folder, ".", &names, err) < 0)
		return -1;
	if (fchown(folder, map->first_uid, map->first_gid) < 0)
		return fail_errno(err, ERROR_BROKEN, "the build's tree");
	strings_each (name, &names) {
		struct stat status;
		if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
			fchownat(folder, name, map->first_uid, map->first_gid,
				AT_SYMLINK_NOFOLLOW) < 0)
			return fail_errno(err, ERROR_BROKEN, "%s", name);
		if (!S_ISDIR(status.st_mode))
			continue;
		autoclose int inner =
			openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (inner < 0)
			return fail_errno(err, ERROR_BROKEN, "%s", name);
		if (userns_give_all(map, inner, err) < 0)
			return -1;
	}
	return 0;
}

int userns_make_folder(
	const struct idmap *map, int folder, const char *name, mode_t mode, struct error *err)
{
	if (mkdirat(folder, name, 0700) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", name);
	autoclose int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", name);
	if (userns_give(map, fd, err) < 0)
		return -1;
	if (fchmod(fd, mode) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", name);
	return 0;
}

struct emptying {
	int folder;
};

static int empty(void *context, struct error *err)
{
	struct emptying *emptying = context;
	CLEANUP(strings_clear) struct strings names = {0};

	if (folder_list(emptying->folder, ".", &names, err) < 0)
		return -1;
	strings_each (name, &names)
		if (folder_remove(emptying->folder, name, err) < 0)
			return -1;
	return 0;
}

int userns_remove(
	int userns, const struct idmap *map, int folder, const char *name, struct error *err)
{
	struct stat status;

	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (!S_ISDIR(status.st_mode) || userns < 0)
		return folder_remove(folder, name, err);
	struct emptying emptying = {folder_open(folder, name, err)};
	if (emptying.folder < 0)
		return -1;
	int result = userns_run(userns, map, empty, &emptying, err);
	close(emptying.folder);
	return result < 0 ? fail_while(err, "%s", name) : folder_remove(folder, name, err);
}
