/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Linux, Documentation/userspace-api/seccomp_filter.rst. */
#include "backends/rootfs/tried.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backends/job.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/* Linux 6.6; older headers lack them, older kernels refuse them */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1
#endif

enum { NONE = -1, PAGE = 4096, PATH_SIZE = 4096 };

/* The calls that look for a file, where they say which; not those with a flag that makes them look for none. */
static const struct call {
	int number;
	int folder, path; /* arguments; NONE: the working folder */
	int flags;
	unsigned without;
} calls[] = {
	{__NR_openat, 0, 1, 2, O_CREAT},
	{__NR_openat2, 0, 1, NONE, 0},
	{__NR_newfstatat, 0, 1, 3, AT_EMPTY_PATH},
	{__NR_statx, 0, 1, 2, AT_EMPTY_PATH},
	{__NR_faccessat, 0, 1, NONE, 0},
	{__NR_faccessat2, 0, 1, NONE, 0},
	{__NR_execve, NONE, 0, NONE, 0},
	{__NR_execveat, 0, 1, 4, AT_EMPTY_PATH},
	{__NR_chdir, NONE, 0, NONE, 0},
#ifdef __NR_open
	{__NR_open, NONE, 0, 1, O_CREAT},
	{__NR_stat, NONE, 0, NONE, 0},
	{__NR_lstat, NONE, 0, NONE, 0},
	{__NR_access, NONE, 0, NONE, 0},
#endif
};
enum { CALLS = sizeof(calls) / sizeof(*calls) };

/* ---- the filter ---- */

#ifdef OWN_ARCHITECTURE
static void add(struct sock_fprog *program, struct sock_filter instruction)
{
	program->filter[program->len++] = instruction;
}

/* The low half of an argument, on machines with the low half first. */
static unsigned argument_offset(int index)
{
	return offsetof(struct seccomp_data, args) + 8 * index;
}

static void add_call(struct sock_fprog *program, const struct call *call)
{
	const unsigned ask = SECCOMP_RET_USER_NOTIF, allow = SECCOMP_RET_ALLOW;

	if (call->flags == NONE) {
		add(program, (struct sock_filter)BPF_JUMP(
				     BPF_JMP | BPF_JEQ | BPF_K, call->number, 0, 1));
		add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, ask));
		return;
	}
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call->number, 0, 4));
	add(program, (struct sock_filter)BPF_STMT(
			     BPF_LD | BPF_W | BPF_ABS, argument_offset(call->flags)));
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, call->without, 1, 0));
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, ask));
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, allow));
}

int tried_install(void)
{
	struct sock_filter filter[8 + 5 * CALLS];
	struct sock_fprog program = {.filter = filter};

	add(&program, (struct sock_filter)BPF_STMT(
			      BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
	add(&program,
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0));
	add(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	add(&program, (struct sock_filter)BPF_STMT(
			      BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
	for (int i = 0; i < CALLS; i++)
		add_call(&program, &calls[i]);
	add(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	return (int)syscall(
		SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}
#else
int tried_install(void)
{
	errno = ENOSYS;
	return -1;
}
#endif

/* ---- answering ---- */

/* The text at ADDRESS of process PID; false if it cannot be read. */
static bool read_text(pid_t pid, uint64_t address, char text[static PATH_SIZE])
{
	size_t first = PAGE - address % PAGE;
	struct iovec own = {text, PATH_SIZE - 1};
	struct iovec its[] = {
		{(void *)(uintptr_t)address, first}, {(void *)(uintptr_t)(address + first), PAGE}};
	ssize_t got = process_vm_readv(pid, &own, 1, its, 2, 0);

	if (got <= 0)
		return false;
	text[got] = '\0';
	return strlen(text) < (size_t)got;
}

/* The folder that a relative path of process PID counts from. */
static bool read_folder(pid_t pid, int fd, char folder[static PATH_SIZE])
{
	autofree char *link = fd == AT_FDCWD ? memory_printf("/proc/%d/cwd", pid)
	                                     : memory_printf("/proc/%d/fd/%d", pid, fd);
	ssize_t size = readlink(link, folder, PATH_SIZE - 1);

	folder[size > 0 ? size : 0] = '\0';
	return size > 0;
}

static void note(struct tried *tried, const struct seccomp_notif *asked)
{
	char path[PATH_SIZE], folder[PATH_SIZE] = "/";
	const struct call *call = calls;
	pid_t pid = (pid_t)asked->pid;

	while (call < calls + CALLS && call->number != asked->data.nr)
		call++;
	if (call == calls + CALLS || tried->paths.count >= TRIED_PATHS_MOST ||
		!read_text(pid, asked->data.args[call->path], path))
		return;
	if (*path != '/' &&
		!read_folder(pid,
			call->folder == NONE ? AT_FDCWD : (int)asked->data.args[call->folder],
			folder))
		return;
	autofree char *whole = path_join(folder, path);
	const char *inner = whole + strlen(JOB_REPOSITORY);
	if (!path_is_within(whole, JOB_REPOSITORY) || *inner != '/')
		return;
	if (faccessat(AT_FDCWD, whole, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
		(errno != ENOENT && errno != ENOTDIR))
		return;
	map_set(&tried->paths, inner + 1, NULL);
}

void tried_add_listener(struct tried *tried, int listener)
{
	/* one waits while the other works: they had better stay on one processor */
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	tried->listeners[tried->count++] = listener;
}

bool tried_answer(struct tried *tried, int index)
{
	/* the kernel's own structs may be longer than ours */
	union {
		struct seccomp_notif value;
		char room[512];
	} asked = {{0}};
	union {
		struct seccomp_notif_resp value;
		char room[512];
	} answer = {{0}};
	int listener = tried->listeners[index];

	memset(&asked, 0, sizeof(asked));
	memset(&answer, 0, sizeof(answer));
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0) {
		if (errno == EINTR || errno == ENOENT)
			return true; /* who asked was killed */
		close(listener);
		tried->listeners[index] = tried->listeners[--tried->count];
		return false;
	}
	note(tried, &asked.value);
	answer.value.id = asked.value.id;
	answer.value.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	return true;
}
