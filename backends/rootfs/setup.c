/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/rootfs/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

enum {
	PROCESSES_MOST = 8192,
	FILES_MOST = 65536,
	MOUNT_DATA_MOST = 4000, /* the kernel takes a page */
};

/* Names in the workshop, a small file system of the sandbox's own where its root is put together. */
#define MERGED "merged"     /* the root */
#define SKELETON "skeleton" /* below all layers: the folders that something is mounted on */

static int mount_at(const char *source, const char *target, const char *type, unsigned long flags,
	const char *data, struct error *err)
{
	if (mount(source, target, type, flags, data) < 0)
		return fail_errno(
			err, ERROR_BROKEN, "cannot mount %s on %s", type ? type : source, target);
	return 0;
}

/* Read-only, with whatever flags the original has: those are locked inside a user namespace. */
static int make_read_only(const char *target, bool recursive, struct error *err)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};

	if (mount_setattr(AT_FDCWD, target, recursive ? AT_RECURSIVE : 0, &attributes,
		    sizeof(attributes)) < 0)
		return fail_errno(err, ERROR_BROKEN, "cannot make %s read-only", target);
	return 0;
}

static int bind_read_only(const char *source, const char *target, struct error *err)
{
	if (mount_at(source, target, NULL, MS_BIND | MS_REC, NULL, err) < 0)
		return -1;
	return make_read_only(target, true, err);
}

static int touch(const char *path, struct error *err)
{
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

	return fd < 0 ? fail_errno(err, ERROR_BROKEN, "%s", path) : 0;
}

static int make_folder(const char *path, struct error *err)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return fail_errno(err, ERROR_BROKEN, "%s", path);
	return 0;
}

/* ---- the workshop ---- */

/* The options' mounts: for root detached ones, else just opened, before anything is laid over the folders that lead there. */
static int open_mounts(const struct sandbox_options *options, struct setup_sources *sources,
	bool detached, struct error *err)
{
	for (; sources->mount_count < options->mount_count; sources->mount_count++) {
		const char *source = options->mounts[sources->mount_count].source;
		int fd = detached ? open_tree(AT_FDCWD, source,
					    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE)
		                  : open(source, O_PATH | O_CLOEXEC);
		if (fd < 0)
			return fail_errno(err, ERROR_BROKEN, "%s", source);
		sources->mounts[sources->mount_count] = fd;
	}
	return 0;
}

int setup_open_sources(const struct sandbox_options *options, const struct job *job,
	struct setup_sources *sources, struct error *err)
{
	const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;

	*sources = (struct setup_sources){.work = -1, .trees = -1};
	if (geteuid() != 0) {
		char path[4096];
		const int fds[] = {job->work_fd, job->trees_fd};
		char **const paths[] = {&sources->work_path, &sources->trees_path};
		for (size_t i = 0; i < 2; i++) {
			autofree char *link = memory_printf("/proc/self/fd/%d", fds[i]);
			ssize_t size = fds[i] < 0 ? -1 : readlink(link, path, sizeof(path) - 1);
			if (size > 0)
				*paths[i] = memory_copy_bytes(path, size);
		}
		return 0;
	}
	sources->work = open_tree(job->work_fd, "", flags);
	if (job->trees_fd >= 0)
		sources->trees = open_tree(job->trees_fd, "", flags);
	if (sources->work < 0 || (job->trees_fd >= 0 && sources->trees < 0)) {
		setup_close_sources(sources);
		return fail_errno(err, ERROR_BROKEN,
			"mounts cannot be made here (kiln doctor tells what is missing)");
	}
	return open_mounts(options, sources, true, err);
}

void setup_close_sources(struct setup_sources *sources)
{
	cleanup_close(&sources->work);
	cleanup_close(&sources->trees);
	cleanup_free(&sources->work_path);
	cleanup_free(&sources->trees_path);
	while (sources->mount_count)
		close(sources->mounts[--sources->mount_count]);
	*sources = (struct setup_sources){.work = -1, .trees = -1};
}

/* A detached mount is moved; a folder of this namespace, opened before anything was laid over it, is bound. */
static int attach(int fd, bool detached, const char *target, struct error *err)
{
	if (make_folder(target, err) < 0)
		return -1;
	if (fd < 0)
		return 0;
	if (!detached) {
		autofree char *path = memory_printf("/proc/self/fd/%d", fd);
		return mount_at(path, target, NULL, MS_BIND, NULL, err);
	}
	if (move_mount(fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail_errno(err, ERROR_BROKEN, "cannot mount the build's folders");
	return 0;
}

static int open_source(const char *path, struct error *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? fail_errno(err, ERROR_BROKEN, "%s", path) : fd;
}

/* In the new namespace, and before anything is laid over the folders that lead there. */
static int enter_sources(
	const struct setup_sources *sources, int *work, int *trees, struct error *err)
{
	*work = sources->work;
	*trees = sources->trees;
	if (sources->work_path && (*work = open_source(sources->work_path, err)) < 0)
		return -1;
	if (sources->trees_path && (*trees = open_source(sources->trees_path, err)) < 0)
		return -1;
	return 0;
}

/* Laid over some folder that every system has; nothing of it is seen once the root is entered. */
static int make_workshop(const struct setup_sources *sources, struct error *err)
{
	static const char *const places[] = {"/tmp", "/mnt", "/run", "/var/tmp", "/srv"};
	static const char *const folders[] = {MERGED, "empty", "nothing", SKELETON,
		SKELETON "/proc", SKELETON "/sys", SKELETON "/dev"};
	size_t place = 0, count = sizeof(places) / sizeof(*places);
	int work, trees;

	if (enter_sources(sources, &work, &trees, err) < 0)
		return -1;
	while (place < count && access(places[place], F_OK) < 0)
		place++;
	if (place == count)
		return fail(err, ERROR_BROKEN, "this system has no /tmp");
	if (mount_at("tmpfs", places[place], "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m",
		    err) < 0)
		return -1;
	if (chdir(places[place]) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", places[place]);
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (make_folder(folders[i], err) < 0)
			return -1;
	if (attach(work, !sources->work_path, "work", err) < 0)
		return -1;
	return attach(trees, !sources->trees_path, "trees", err);
}

/* ---- the root ---- */

/*
 * The layers under short names, because the kernel takes one page of words. The skeleton, lowest of all, has the folders
 * that something is mounted on, so that no layer gets them by that.
 */
static int mount_layers(const struct sandbox_options *options, struct error *err)
{
	CLEANUP(text_clear) struct text data = {0};
	size_t count = options->layers ? options->layers->count : 0;

	text_add(&data, "userxattr,lowerdir=");
	for (size_t i = count; i--;) {
		char name[32];
		snprintf(name, sizeof(name), "%zu", i);
		if (symlink(options->layers->items[i], name) < 0)
			return fail_errno(err, ERROR_BROKEN, "%s", options->layers->items[i]);
		text_addf(&data, "%s:", name);
	}
	text_add(&data, options->plain ? "empty" : SKELETON);
	if (options->kind == SANDBOX_WRITABLE)
		text_add(&data, ",upperdir=work/upper,workdir=work/overlay");
	else if (count == 0)
		text_add(&data, ":nothing"); /* without an upper folder there must be two */
	if (data.size > MOUNT_DATA_MOST)
		return fail(
			err, ERROR_CATALOG, "%zu layers are more than one mount can have", count);
	return mount_at("overlay", MERGED, "overlay", MS_NODEV, data.data, err);
}

static int mount_proc(struct error *err)
{
	static const char *const guarded[] = {
		"proc/sys", "proc/sysrq-trigger", "proc/irq", "proc/bus", "proc/fs"};

	if (mount_at("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(guarded) / sizeof(*guarded); i++)
		if (file_exists(AT_FDCWD, guarded[i]) &&
			bind_read_only(guarded[i], guarded[i], err) < 0)
			return -1;
	return 0;
}

/* A sysfs of one's own goes with a network of one's own; with the machine's network it is the machine's. */
static int mount_sys(bool network, struct error *err)
{
	if (network)
		return bind_read_only("/sys", "sys", err);
	return mount_at(
		"sysfs", "sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL, err);
}

static int mount_dev(struct error *err)
{
	static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
	static const char *const links[][2] = {{"pts/ptmx", "dev/ptmx"},
		{"/proc/self/fd", "dev/fd"}, {"/proc/self/fd/0", "dev/stdin"},
		{"/proc/self/fd/1", "dev/stdout"}, {"/proc/self/fd/2", "dev/stderr"}};

	if (mount_at("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC,
		    "mode=755,size=64k,nr_inodes=64", err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++) {
		autofree char *from = memory_printf("/dev/%s", nodes[i]);
		autofree char *to = memory_printf("dev/%s", nodes[i]);
		if (touch(to, err) < 0 || mount_at(from, to, NULL, MS_BIND, NULL, err) < 0)
			return -1;
	}
	if (make_folder("dev/pts", err) < 0 || make_folder("dev/shm", err) < 0 ||
		mount_at("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
			"newinstance,ptmxmode=0666,mode=620", err) < 0 ||
		mount_at("tmpfs", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			"mode=1777,size=64m", err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (symlink(links[i][0], links[i][1]) < 0)
			return fail_errno(err, ERROR_BROKEN, "%s", links[i][1]);
	return 0;
}

/* Names are looked up as on this machine; the file is laid over the image's own, which stays as it is. */
static int mount_resolver(struct error *err)
{
	struct stat status;

	if (stat("/etc/resolv.conf", &status) < 0 || lstat("etc/resolv.conf", &status) < 0 ||
		!S_ISREG(status.st_mode))
		return 0;
	return bind_read_only("/etc/resolv.conf", "etc/resolv.conf", err);
}

/* What is mounted there becomes such that nothing in it can be executed. */
static int forbid_execution(const char *target, struct error *err)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOEXEC};

	if (mount_setattr(AT_FDCWD, target, 0, &attributes, sizeof(attributes)) < 0)
		return fail_errno(err, ERROR_BROKEN, "cannot make %s noexec", target);
	return 0;
}

/* PATH (absolute in the new root, which we stand in) with its folders, as a place to mount a file or a folder on. */
static int make_place(const char *path, bool folder, struct error *err)
{
	autofree char *place = memory_printf(".%s", path);

	for (char *slash = strchr(place + 2, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!file_exists(AT_FDCWD, place) && make_folder(place, err) < 0)
			return -1;
		*slash = '/';
	}
	if (file_exists(AT_FDCWD, place))
		return 0;
	return folder ? make_folder(place, err) : touch(place, err);
}

static int mount_source(
	const struct sandbox_mount *mounted, int fd, bool detached, struct error *err)
{
	autofree char *target = memory_printf(".%s", mounted->target);
	struct stat status;

	if (fstat(fd, &status) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", mounted->source);
	if (make_place(mounted->target, S_ISDIR(status.st_mode), err) < 0)
		return -1;
	if (detached) {
		if (move_mount(fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
			return fail_errno(err, ERROR_BROKEN, "cannot mount %s", mounted->source);
	} else {
		autofree char *path = memory_printf("/proc/self/fd/%d", fd);
		if (mount_at(path, target, NULL, MS_BIND | MS_REC, NULL, err) < 0)
			return fail_while(err, "%s", mounted->source);
	}
	return mounted->writable ? 0 : make_read_only(target, true, err);
}

/* What an engine has beside this machine's programs. */
static int mount_engine(const struct sandbox_options *options, const struct setup_sources *sources,
	struct error *err)
{
	static const char *const places[][2] = {{"../work/engine", "run/kiln/engine"},
		{"../work/engine/tmp", "tmp"}, {"../work/engine/tmp", "var/tmp"}};

	if (make_folder("run/kiln/engine", err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (mount_at(places[i][0], places[i][1], NULL, MS_BIND, NULL, err) < 0 ||
			(options->no_execution && forbid_execution(places[i][1], err) < 0))
			return -1;
	if (options->no_execution && forbid_execution("run/kiln/repository", err) < 0)
		return -1;
	for (size_t i = 0; i < options->mount_count; i++)
		if (mount_source(
			    &options->mounts[i], sources->mounts[i], !sources->work_path, err) < 0)
			return -1;
	return 0;
}

/* Where it is there and may be opened: its owners decide by its mode. */
static int mount_kvm(struct error *err)
{
	if (access("/dev/kvm", F_OK) < 0)
		return 0;
	if (touch("dev/kvm", err) < 0)
		return -1;
	return mount_at("/dev/kvm", "dev/kvm", NULL, MS_BIND, NULL, err);
}

/* Folders of this machine that a sandbox with its programs has. */
static const char *const shown[] = {
	"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "opt"};

bool sandbox_shows(const char *path)
{
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		autofree char *folder = memory_printf("/%s", shown[i]);
		if (path_is_within(path, folder))
			return true;
	}
	return false;
}

/* This machine's programs, and nothing else of it. */
static int mount_host(struct error *err)
{
	static const char *const made[] = {"proc", "sys", "dev", "tmp", "run", "root", "var",
		"var/tmp", "home", "run/kiln", "run/kiln/repository"};
	struct stat status;

	if (mount_at("tmpfs", MERGED, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755", err) < 0)
		return -1;
	if (chdir(MERGED) < 0)
		return fail_errno(err, ERROR_BROKEN, "the new root");
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
		if (make_folder(made[i], err) < 0)
			return -1;
	if (chmod("tmp", 01777) < 0 || chmod("var/tmp", 01777) < 0)
		return fail_errno(err, ERROR_BROKEN, "tmp");
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		autofree char *source = memory_printf("/%s", shown[i]);
		char target[256];
		ssize_t size;
		if (lstat(source, &status) < 0)
			continue;
		if (S_ISLNK(status.st_mode)) { /* /bin -> usr/bin */
			size = readlink(source, target, sizeof(target) - 1);
			target[size > 0 ? size : 0] = '\0';
			if (size > 0 && symlink(target, shown[i]) < 0)
				return fail_errno(err, ERROR_BROKEN, "%s", shown[i]);
			continue;
		}
		if (make_folder(shown[i], err) < 0 || bind_read_only(source, shown[i], err) < 0)
			return -1;
	}
	return mount_at("../work/tree", "run/kiln/repository", NULL, MS_BIND, NULL, err);
}

static int enter_root(struct error *err)
{
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return fail_errno(err, ERROR_BROKEN, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return fail_errno(err, ERROR_BROKEN, "leaving the old root");
	return 0;
}

int setup_root(
	const struct sandbox_options *options, struct setup_sources *sources, struct error *err)
{
	bool host = options->kind == SANDBOX_HOST || options->kind == SANDBOX_ENGINE;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail_errno(err, ERROR_BROKEN, "the mount namespace");
	if (sources->work_path && open_mounts(options, sources, false, err) < 0)
		return -1;
	if (make_workshop(sources, err) < 0 ||
		(host ? mount_host(err) : mount_layers(options, err)) < 0)
		return -1;
	if (!host && chdir(MERGED) < 0)
		return fail_errno(err, ERROR_BROKEN, "the new root");
	if (!options->plain &&
		(mount_proc(err) < 0 || mount_sys(options->network, err) < 0 || mount_dev(err) < 0))
		return -1;
	if (options->network && !host && mount_resolver(err) < 0)
		return -1;
	if (options->kind == SANDBOX_ENGINE &&
		(mount_kvm(err) < 0 || mount_engine(options, sources, err) < 0 ||
			make_read_only(".", false, err) < 0))
		return -1;
	/* what a check writes is gone with it */
	if (options->kind == SANDBOX_READ_ONLY && !options->plain && file_exists(AT_FDCWD, "tmp") &&
		mount_at("tmpfs", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=256m",
			err) < 0)
		return -1;
	return enter_root(err);
}

/* ---- the process ---- */

static void raise_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (fd >= 0)
		ioctl(fd, SIOCSIFFLAGS, &request);
}

static void set_limit(int resource, rlim_t most)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return;
	if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > most)
		limit.rlim_max = most;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(resource, &limit);
}

/* What a container's root may do, as Docker and its like have settled on. */
static const int kept_capabilities[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID,
	CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_NET_RAW,
	CAP_SYS_CHROOT, CAP_MKNOD, CAP_AUDIT_WRITE, CAP_SETFCAP};

static int drop_capabilities(struct error *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	for (size_t i = 0; i < sizeof(kept_capabilities) / sizeof(*kept_capabilities); i++)
		data[kept_capabilities[i] / 32].permitted |= 1u << kept_capabilities[i] % 32;
	for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++) {
		if (data[capability / 32].permitted >> capability % 32 & 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, capability) < 0)
			return fail_errno(err, ERROR_BROKEN, "capability %d", capability);
	}
	data[0].effective = data[0].permitted;
	data[1].effective = data[1].permitted;
	if (syscall(SYS_capset, &header, data) < 0)
		return fail_errno(err, ERROR_BROKEN, "capset");
	return 0;
}

int setup_process(const struct sandbox_options *options, struct error *err)
{
	if (sethostname("kiln", 4) < 0)
		return fail_errno(err, ERROR_BROKEN, "sethostname");
	if (!options->network)
		raise_loopback();
	set_limit(RLIMIT_NPROC, PROCESSES_MOST);
	set_limit(RLIMIT_NOFILE, FILES_MOST);
	set_limit(RLIMIT_CORE, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail_errno(err, ERROR_BROKEN, "no_new_privs");
	umask(022);
	return drop_capabilities(err);
}
