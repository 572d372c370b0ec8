/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process 1 of a sandbox. It was forked from the worker, stands inside the sandbox's root, and does there what touches
 * the image's files: so no link that a build left can lead anything out. It is not dumpable: what the worker's memory
 * held is not to be read by the build's own processes.
 */
#include "backends/rootfs/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/rootfs/tree.h"
#include "backends/rootfs/tried.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

enum { WORDS_MOST = 4096, COPY_SIZE = 256 * 1024 };

struct agent {
	int socket;
	int children;  /* a signalfd that tells of ended processes */
	pid_t running; /* the command that is waited for; 0: none */
	struct tried tried;
};

static void answer(struct agent *agent, const struct agent_answer *answer)
{
	while (send(agent->socket, answer, sizeof(*answer), MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static void answer_result(struct agent *agent, int result, const struct error *err, uint32_t mode)
{
	struct agent_answer said = {.code = result, .mode = mode};

	if (result < 0)
		said.error = *err;
	answer(agent, &said);
}

/* ---- running ---- */

static void become(const struct agent_request *request, const int *fds)
{
	char *arguments[WORDS_MOST], *environment[WORDS_MOST];
	char *at = (char *)(uintptr_t)request->words, *end = at + request->words_size;
	size_t count = 0, variables = 0;
	sigset_t none;

	if (request->folder_size) {
		if (chdir(at) < 0)
			_exit(126);
		at += request->folder_size;
	}
	for (; at < end && *at && count < WORDS_MOST - 1; at += strlen(at) + 1)
		arguments[count++] = at;
	for (at++; at < end && variables < WORDS_MOST - 1; at += strlen(at) + 1)
		environment[variables++] = at;
	arguments[count] = environment[variables] = NULL;

	int null = open("/dev/null", O_RDONLY);
	dup2(null >= 0 ? null : fds[0], STDIN_FILENO);
	dup2(fds[0], STDOUT_FILENO);
	dup2(fds[1], STDERR_FILENO);
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int signal_number = 1; signal_number < 32; signal_number++)
		signal(signal_number, SIG_DFL);
	umask(022);
	execvpe(arguments[0], arguments, environment);
	dprintf(STDERR_FILENO, "%s: %s\n", arguments[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* A descriptor over SOCKET; -1 is what the other side has none of. */
static bool send_descriptor(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(int));
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

static int receive_descriptor(int socket)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	int fd = -1;
	ssize_t got;

	while ((got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		;
	struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(int));
	return fd;
}

static void run(struct agent *agent, const struct agent_request *request, const int *fds)
{
	bool noting = request->noting && agent->tried.count < TRIED_LISTENERS_MOST;
	struct error err;
	int ends[2] = {-1, -1};

	if (noting && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		noting = false;
	pid_t pid = fork();
	if (pid == 0) {
		/* whom nobody answers would wait for ever */
		if (noting && !send_descriptor(ends[1], tried_install()))
			_exit(126);
		become(request, fds);
	}
	if (noting) {
		close(ends[1]);
		int listener = pid > 0 ? receive_descriptor(ends[0]) : -1;
		if (listener >= 0)
			tried_add_listener(&agent->tried, listener);
		close(ends[0]);
	}
	if (pid < 0)
		answer_result(agent, fail_errno(&err, ERROR_RESOURCE, "cannot fork"), &err, 0);
	else
		agent->running = pid;
}

/* Every process that lost its parent is ours. */
static void reap(struct agent *agent)
{
	struct signalfd_siginfo ignored;
	int status;
	pid_t pid;

	while (read(agent->children, &ignored, sizeof(ignored)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != agent->running)
			continue;
		agent->running = 0;
		struct agent_answer said = {
			.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};
		answer(agent, &said);
	}
}

/* ---- files ---- */

static int copy(int from, int to, const char *name, struct error *err)
{
	autofree char *buffer = memory_resize(NULL, COPY_SIZE, 1);

	for (;;) {
		ssize_t got = read(from, buffer, COPY_SIZE);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(err, ERROR_BROKEN, "%s", name);
		if (got == 0)
			return 0;
		if (file_write_all(to, buffer, got, err) < 0)
			return fail_while(err, "%s", name);
	}
}

static int upload(const struct agent_request *request, int from, struct error *err)
{
	const char *path = request->words;
	struct stat status;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return fail(err, ERROR_CATALOG, "%s is a folder in the image", path);
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 && errno == ENOENT)
		return fail(err, ERROR_CATALOG,
			"%s cannot be written: its folder is not in the image", path);
	if (fd < 0)
		return fail_errno(err, ERROR_CATALOG, "%s", path);
	if (copy(from, fd, path, err) < 0)
		return -1;
	if (fchmod(fd, request->mode & 07777) < 0)
		return fail_errno(err, ERROR_CATALOG, "%s", path);
	return 0;
}

static int make_folders(const char *path, struct error *err)
{
	autoclose int fd = folder_make(AT_FDCWD, path, 0755, err);

	return fd < 0 ? -1 : 0;
}

/* In a child: unpacking makes the folder its root. */
static int in_child(int (*work)(const struct agent_request *, int, struct error *),
	const struct agent_request *request, int fd, struct error *err)
{
	int ends[2], status;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_errno(err, ERROR_RESOURCE, "cannot make a pipe");
	pid_t pid = fork();
	if (pid == 0) {
		struct error own = {0};
		if (work(request, fd, &own) == 0)
			_exit(0);
		_exit(write(ends[1], &own, sizeof(own)) == (ssize_t)sizeof(own) ? 1 : 2);
	}
	close(ends[1]);
	autoclose int reading = ends[0];
	if (pid < 0)
		return fail_errno(err, ERROR_RESOURCE, "cannot fork");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (read(reading, err, sizeof(*err)) != (ssize_t)sizeof(*err))
		return fail(err, ERROR_BROKEN, "a helper of the sandbox ended by itself");
	return -1;
}

static int unpack_into(const struct agent_request *request, int archive, struct error *err)
{
	struct tree_unpack unpack = {.archive = archive, .epoch = INT64_MAX};

	unpack.folder = folder_open(AT_FDCWD, request->words, err);
	return unpack.folder < 0 ? -1 : tree_unpack(&unpack, err);
}

static int upload_folder(const struct agent_request *request, int archive, struct error *err)
{
	if (make_folders(request->words, err) < 0)
		return -1;
	return in_child(unpack_into, request, archive, err);
}

static int download(const struct agent_request *request, int to, uint32_t *mode, struct error *err)
{
	const char *path = request->words;
	struct stat status;
	/* O_NONBLOCK: a fifo with this name must not hold us */
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &status) < 0)
		return fail_errno(err, ERROR_CATALOG, "%s", path);
	if (!S_ISREG(status.st_mode))
		return fail(err, ERROR_CATALOG, "%s is no file", path);
	*mode = status.st_mode & 0777;
	return copy(fd, to, path, err);
}

static int pack_folder(const struct agent_request *request, int to, struct error *err)
{
	autoclose int fd = folder_open(AT_FDCWD, request->words, err);

	return fd < 0 ? -1 : tree_pack(fd, TREE_WHOLE, request->epoch, to, err);
}

static int write_tried(struct agent *agent, int to, struct error *err)
{
	map_each (entry, &agent->tried.paths)
		if (file_write_all(to, entry->key, strlen(entry->key) + 1, err) < 0)
			return -1;
	map_clear(&agent->tried.paths);
	return 0;
}

static void serve_one(struct agent *agent, const struct agent_request *request, const int *fds)
{
	struct error err = {0};
	struct stat status;
	uint32_t mode = 0;
	int result = -1;

	switch (request->verb) {
	case AGENT_RUN:
		run(agent, request, fds);
		return;
	case AGENT_SIGNAL:
		if (agent->running)
			kill(agent->running, (int)request->mode);
		return;
	case AGENT_UPLOAD:
		result = upload(request, fds[0], &err);
		break;
	case AGENT_UPLOAD_FOLDER:
		result = upload_folder(request, fds[0], &err);
		break;
	case AGENT_DOWNLOAD:
		result = download(request, fds[0], &mode, &err);
		break;
	case AGENT_TRIED:
		result = write_tried(agent, fds[0], &err);
		break;
	case AGENT_DOWNLOAD_FOLDER:
	case AGENT_PACK:
		result = pack_folder(request, fds[0], &err);
		break;
	case AGENT_IS_FOLDER:
		result = stat(request->words, &status) == 0 && S_ISDIR(status.st_mode)
		                 ? 0
		                 : fail(&err, ERROR_CATALOG, "no folder");
		break;
	}
	answer_result(agent, result, &err, mode);
}

/* ---- the loop ---- */

/* False when the worker is gone. */
static bool receive(struct agent *agent, struct agent_request *request)
{
	int fds[AGENT_FDS_MOST] = {-1, -1};
	char control[CMSG_SPACE(sizeof(fds))];
	struct iovec part = {request, sizeof(*request)};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	ssize_t got = recvmsg(agent->socket, &message, MSG_CMSG_CLOEXEC);

	if (got < 0 && errno == EINTR)
		return true;
	if (got < (ssize_t)offsetof(struct agent_request, words))
		return false;
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
	serve_one(agent, request, fds);
	for (size_t i = 0; i < AGENT_FDS_MOST; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return true;
}

void agent_serve(int socket)
{
	struct agent agent = {.socket = socket};
	struct agent_request *request = memory_new(sizeof(*request));
	sigset_t child;

	prctl(PR_SET_DUMPABLE, 0);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	signal(SIGPIPE, SIG_IGN);
	agent.children = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
	for (;;) {
		struct pollfd wait[2 + TRIED_LISTENERS_MOST] = {
			{.fd = agent.children, .events = POLLIN}, {.fd = socket, .events = POLLIN}};
		int count = agent.tried.count;
		for (int i = 0; i < count; i++)
			wait[2 + i] =
				(struct pollfd){.fd = agent.tried.listeners[i], .events = POLLIN};
		if (poll(wait, 2 + count, -1) < 0 && errno != EINTR)
			_exit(1);
		/* from the last: one that ended gives its place to the last */
		for (int i = count; i--;)
			if (wait[2 + i].revents)
				tried_answer(&agent.tried, i);
		if (wait[0].revents)
			reap(&agent);
		if (wait[1].revents && !receive(&agent, request))
			_exit(0);
	}
}
