/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/rootfs/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/late_archive.h"
#include "backends/rootfs/agent.h"
#include "backends/rootfs/setup.h"
#include "backends/rootfs/tree.h"
#include "backends/rootfs/userns.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/process.h"
#include "base/strings.h"

enum {
	TICK_MSEC = 200, /* how often space and deadlines are looked at */
	SETUP_MSEC = 60 * 1000,
	TRIED_SIZE_MOST = 64 * 1024 * 1024,
};

struct sandbox {
	struct communicator communicator; /* first: the one is the other */
	pid_t pid;                        /* the parent of process 1; -1: none */
	int socket;                       /* to the agent */
	bool noting;                      /* what is looked for in vain */
	struct strings environment;
};

static struct sandbox *of(struct communicator *communicator)
{
	return (struct sandbox *)communicator;
}

/* ---- starting ---- */

/* Process 1. Tells how its setup went, then serves. */
static void run_inside(
	const struct sandbox_options *options, struct setup_sources *sources, int socket)
{
	struct agent_answer ready = {0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setup_root(options, sources, &ready.error) < 0 ||
		setup_process(options, &ready.error) < 0)
		ready.code = -1;
	if (send(socket, &ready, sizeof(ready), MSG_NOSIGNAL) < 0 || ready.code < 0)
		_exit(1);
	agent_serve(socket);
}

static int enter_namespaces(const struct sandbox_options *options, const struct job *job,
	pid_t worker, struct error *err)
{
	int flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP |
	            (options->network ? 0 : CLONE_NEWNET);

	if (userns_enter(job->userns, &job->ids, err) < 0)
		return -1;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* after the change of ids, which resets it */
	if (getppid() != worker)
		_exit(1);
	if (unshare(flags) < 0)
		return fail_errno(err, ERROR_BROKEN,
			"namespaces cannot be made here (kiln doctor tells what is missing)");
	return 0;
}

/* Stays as the parent of process 1: their ends are one. */
static void run_outside(
	const struct sandbox_options *options, const struct job *job, int socket, pid_t worker)
{
	struct agent_answer failed = {.code = -1};
	struct setup_sources sources;

	for (int signal_number = 1; signal_number < 32; signal_number++)
		signal(signal_number, SIG_DFL);
	setsid();
	if (setup_open_sources(options, job, &sources, &failed.error) < 0 ||
		enter_namespaces(options, job, worker, &failed.error) < 0) {
		send(socket, &failed, sizeof(failed), MSG_NOSIGNAL);
		_exit(1);
	}
	pid_t pid = fork();
	if (pid == 0)
		run_inside(options, &sources, socket);
	close(socket);
	_exit(process_wait(pid));
}

static void add_environment(
	struct sandbox *sandbox, const struct sandbox_options *options, const struct job *job)
{
	const char *run = json_get_text(job->order, "run_uuid", NULL);

	strings_add(&sandbox->environment,
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	strings_add(&sandbox->environment, "HOME=/root");
	strings_add(&sandbox->environment, "LANG=C.UTF-8");
	/* as shell-local inherits it from Packer */
	if (options->kind == SANDBOX_HOST && run)
		strings_addf(&sandbox->environment, "PACKER_RUN_UUID=%s", run);
}

static int receive_answer(struct sandbox *sandbox, struct agent_answer *answer, struct error *err)
{
	ssize_t got;

	while ((got = recv(sandbox->socket, answer, sizeof(*answer), 0)) < 0 && errno == EINTR)
		;
	if (got != (ssize_t)sizeof(*answer))
		return fail(err, ERROR_TRANSIENT, "the sandbox ended by itself (out of memory?)");
	return 0;
}

static int wait_until_ready(struct sandbox *sandbox, struct error *err)
{
	struct pollfd wait = {.fd = sandbox->socket, .events = POLLIN};
	struct agent_answer ready;
	int64_t deadline = moment_elapsed_usec() + SETUP_MSEC * 1000;

	while (poll(&wait, 1, TICK_MSEC) <= 0) {
		if (communicator_check(&sandbox->communicator, err) < 0)
			return -1;
		if (moment_elapsed_usec() > deadline)
			return fail(err, ERROR_TRANSIENT, "the sandbox does not start");
	}
	if (receive_answer(sandbox, &ready, err) < 0)
		return -1;
	if (ready.code == 0)
		return 0;
	*err = ready.error;
	return fail_while(err, "the sandbox");
}

static const struct communicator_ops sandbox_ops;

static void close_sandbox(struct communicator *communicator)
{
	struct sandbox *sandbox = of(communicator);

	if (sandbox->socket >= 0)
		close(sandbox->socket);
	if (sandbox->pid > 0) {
		kill(sandbox->pid,
			SIGKILL); /* process 1 dies with its parent, and all others with it */
		process_wait(sandbox->pid);
	}
	strings_clear(&sandbox->environment);
	free(sandbox);
}

static int make_userns(struct job *job, struct error *err)
{
	if (job->userns < 0)
		job->userns = userns_new(&job->ids, err);
	return job->userns < 0 ? -1 : 0;
}

struct communicator *sandbox_open(
	struct job *job, const struct sandbox_options *options, struct error *err)
{
	struct sandbox *sandbox = memory_new(sizeof(*sandbox));
	pid_t worker = getpid();
	int ends[2];

	sandbox->communicator = (struct communicator){.ops = &sandbox_ops, .job = job};
	sandbox->pid = sandbox->socket = -1;
	add_environment(sandbox, options, job);
	sandbox->noting = options->kind == SANDBOX_HOST;
	/* in the sandbox there is no library */
	if (late_load_archive(err) < 0 || make_userns(job, err) < 0) {
		close_sandbox(&sandbox->communicator);
		return NULL;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		error_set_errno(err, ERROR_RESOURCE, "cannot make a socket");
		close_sandbox(&sandbox->communicator);
		return NULL;
	}
	sandbox->socket = ends[0];
	sandbox->pid = fork();
	if (sandbox->pid == 0) {
		close(ends[0]);
		run_outside(options, job, ends[1], worker);
	}
	close(ends[1]);
	if (sandbox->pid < 0)
		error_set_errno(err, ERROR_RESOURCE, "cannot fork");
	if (sandbox->pid < 0 || wait_until_ready(sandbox, err) < 0) {
		close_sandbox(&sandbox->communicator);
		return NULL;
	}
	return &sandbox->communicator;
}

/* ---- asking the agent ---- */

static struct agent_request *new_request(enum agent_verb verb)
{
	struct agent_request *request = memory_new(sizeof(*request));

	request->verb = verb;
	return request;
}

static int add_word(struct agent_request *request, const char *word, struct error *err)
{
	size_t size = strlen(word) + 1;

	if (request->words_size + size > AGENT_WORDS_SIZE)
		return fail(err, ERROR_CATALOG,
			"a command and its environment of more than %d bytes", AGENT_WORDS_SIZE);
	memcpy(request->words + request->words_size, word, size);
	request->words_size += size;
	return 0;
}

static int send_request(struct sandbox *sandbox, const struct agent_request *request,
	const int *fds, size_t count, struct error *err)
{
	size_t size = offsetof(struct agent_request, words) + request->words_size;
	struct iovec part = {(void *)(uintptr_t)request, size};
	char control[CMSG_SPACE(AGENT_FDS_MOST * sizeof(int))] = {0};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (count) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	}
	while (sendmsg(sandbox->socket, &message, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return fail_errno(err, ERROR_TRANSIENT, "the sandbox does not listen");
	return 0;
}

/* Space is looked at while something runs that may use it up. */
static int check_time_and_space(struct sandbox *sandbox, struct error *err)
{
	if (communicator_check(&sandbox->communicator, err) < 0)
		return -1;
	return job_check_space(sandbox->communicator.job, err);
}

/* For requests that are answered once; the answer's error becomes ours. */
static int ask(struct sandbox *sandbox, struct agent_request *request, const int *fds, size_t count,
	struct agent_answer *answer, struct error *err)
{
	struct pollfd wait = {.fd = sandbox->socket, .events = POLLIN};

	if (send_request(sandbox, request, fds, count, err) < 0)
		return -1;
	while (poll(&wait, 1, TICK_MSEC) <= 0)
		if (check_time_and_space(sandbox, err) < 0)
			return -1;
	if (receive_answer(sandbox, answer, err) < 0)
		return -1;
	if (answer->code >= 0)
		return 0;
	*err = answer->error;
	return -1;
}

/* ---- running ---- */

struct output {
	int fds[2]; /* what comes from stdout and stderr; -1: ended */
};

/* Reads what is there now; the descriptor is closed at its end. */
static int read_output(struct sandbox *sandbox, const struct sandbox_command *command,
	struct output *output, size_t which, struct error *err)
{
	enum log_stream stream = which ? LOG_STDERR : LOG_STDOUT;
	char buffer[65536];
	ssize_t got = read(output->fds[which], buffer, sizeof(buffer));

	if (got > 0 && command->said)
		return command->said(command->context, stream, buffer, got, err);
	if (got > 0) {
		build_log_add(&sandbox->communicator.job->log, stream, buffer, got);
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(output->fds[which]);
		output->fds[which] = -1;
	}
	return 0;
}

static int check_output(struct sandbox *sandbox, struct error *err)
{
	const struct build_log *log = &sandbox->communicator.job->log;

	if (!build_log_is_full(log))
		return 0;
	return fail(err, ERROR_CATALOG, "it said more than %lld bytes (limits.log_bytes)",
		(long long)log->most);
}

/* The command is to end, because of WHY. It may put things in order; then nobody waits for it any more. */
struct ending {
	bool asked;
	int64_t until_usec;
	struct error why;
};

/* -1 if it is not to be followed any more, *ERR being why it was to end. */
static int end_command(struct sandbox *sandbox, const struct sandbox_command *command,
	struct ending *ending, struct error *err)
{
	struct agent_request *request;
	struct error ignored;

	if (ending->asked && moment_elapsed_usec() < ending->until_usec)
		return 0;
	if (ending->asked || !command->grace_sec) {
		*err = ending->asked ? ending->why : *err;
		return -1;
	}
	*ending = (struct ending){true, moment_elapsed_usec() + command->grace_sec * 1000000, *err};
	request = new_request(AGENT_SIGNAL);
	request->mode = SIGTERM;
	send_request(sandbox, request, NULL, 0, &ignored);
	free(request);
	return 0;
}

static int check_command(
	struct sandbox *sandbox, const struct sandbox_command *command, struct error *err)
{
	if (command->deadline_usec && moment_elapsed_usec() > command->deadline_usec)
		return fail(err, ERROR_TRANSIENT, "it does not end");
	return check_time_and_space(sandbox, err);
}

/* Until the command ended; what it left in the pipes is read too, what it left running is not waited for. */
static int follow(struct sandbox *sandbox, const struct sandbox_command *command,
	struct output *output, int *code, struct error *err)
{
	struct ending ending = {0};
	int64_t next_look = 0;

	for (;;) {
		struct pollfd wait[] = {{.fd = output->fds[0], .events = POLLIN},
			{.fd = output->fds[1], .events = POLLIN},
			{.fd = sandbox->socket, .events = POLLIN}};
		poll(wait, 3, TICK_MSEC);
		int result = 0;
		for (size_t i = 0; i < 2 && result == 0; i++)
			if (wait[i].revents)
				result = read_output(sandbox, command, output, i, err);
		if (result == 0)
			result = check_output(sandbox, err);
		if (result == 0 && moment_elapsed_usec() >= next_look) {
			result = check_command(sandbox, command, err);
			next_look = moment_elapsed_usec() + TICK_MSEC * 1000;
		}
		if ((result < 0 || ending.asked) && end_command(sandbox, command, &ending, err) < 0)
			return -1;
		if (wait[2].revents && !wait[0].revents && !wait[1].revents)
			break;
	}
	struct agent_answer ended;
	if (receive_answer(sandbox, &ended, err) < 0)
		return -1;
	if (ended.code < 0) {
		*err = ended.error;
		return -1;
	}
	*code = ended.code;
	if (ending.asked) {
		*err = ending.why;
		return -1;
	}
	return 0;
}

static int execute(struct sandbox *sandbox, const struct sandbox_command *command,
	struct agent_request *request, int *code, struct error *err)
{
	struct output output = {{-1, -1}};
	int ends[2][2];

	for (size_t i = 0; i < 2; i++) {
		if (pipe2(ends[i], O_CLOEXEC) < 0)
			return fail_errno(err, ERROR_RESOURCE, "cannot make a pipe");
		fcntl(ends[i][0], F_SETFL, O_NONBLOCK);
		output.fds[i] = ends[i][0];
	}
	int inside[2] = {ends[0][1], ends[1][1]};
	int result = send_request(sandbox, request, inside, 2, err);
	close(inside[0]);
	close(inside[1]);
	if (result == 0)
		result = follow(sandbox, command, &output, code, err);
	for (size_t i = 0; i < 2; i++)
		if (output.fds[i] >= 0)
			close(output.fds[i]);
	build_log_flush(&sandbox->communicator.job->log);
	return result;
}

int sandbox_run(struct communicator *communicator, const struct sandbox_command *command, int *code,
	struct error *err)
{
	struct sandbox *sandbox = of(communicator);
	const struct strings *environment =
		command->environment ? command->environment : &sandbox->environment;
	autofree struct agent_request *request = new_request(AGENT_RUN);

	*code = -1;
	request->noting = sandbox->noting;
	if (command->folder) {
		if (add_word(request, command->folder, err) < 0)
			return -1;
		request->folder_size = request->words_size;
	}
	for (const char *const *word = command->arguments; *word; word++)
		if (add_word(request, *word, err) < 0)
			return -1;
	if (add_word(request, "", err) < 0)
		return -1;
	strings_each (pair, environment)
		if (add_word(request, pair, err) < 0)
			return -1;
	return execute(sandbox, command, request, code, err);
}

int sandbox_execute(struct communicator *communicator, const char *const *arguments,
	const char *folder, int *code, struct error *err)
{
	const struct sandbox_command command = {.arguments = arguments, .folder = folder};

	return sandbox_run(communicator, &command, code, err);
}

static int run(struct communicator *communicator, const char *command, int *code, struct error *err)
{
	const char *const arguments[] = {"/bin/sh", "-c", command, NULL};

	return sandbox_execute(communicator, arguments, "/", code, err);
}

/* ---- files ---- */

static int ask_path(struct communicator *communicator, enum agent_verb verb, const char *path,
	uint32_t mode, int fd, struct agent_answer *answer, struct error *err)
{
	autofree struct agent_request *request = new_request(verb);

	request->mode = mode;
	request->epoch = INT64_MAX;
	if (add_word(request, path, err) < 0)
		return -1;
	return ask(of(communicator), request, &fd, fd >= 0, answer, err);
}

static int upload(struct communicator *communicator, int fd, mode_t mode, const char *destination,
	struct error *err)
{
	struct agent_answer answer;

	return ask_path(communicator, AGENT_UPLOAD, destination, mode, fd, &answer, err);
}

int sandbox_list_tried(struct communicator *communicator, struct strings *paths, struct error *err)
{
	autofree struct agent_request *request = new_request(AGENT_TRIED);
	autoclose int fd = memfd_create("tried", MFD_CLOEXEC);
	CLEANUP(text_clear) struct text text = {0};
	struct agent_answer answer;

	if (fd < 0)
		return fail_errno(err, ERROR_RESOURCE, "no memory for a list of paths");
	if (ask(of(communicator), request, &fd, 1, &answer, err) < 0)
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0 || file_read_fd(fd, TRIED_SIZE_MOST, &text, err) < 0)
		return fail_while(err, "what was looked for");
	for (size_t at = 0; at < text.size; at += strlen(text.data + at) + 1)
		strings_add(paths, text.data + at);
	return 0;
}

/* A tar of FOLDER made in a child, so that it can be read while it is written. READING is the pipe's other end. */
static pid_t start_packing(int folder, int out, int reading, struct error *err)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct error own;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(reading); /* or it would never learn that nobody reads any more */
		_exit(tree_pack(folder, TREE_WHOLE, INT64_MAX, out, &own) < 0);
	}
	return pid < 0 ? fail_errno(err, ERROR_RESOURCE, "cannot fork") : pid;
}

static int upload_folder(
	struct communicator *communicator, int folder, const char *destination, struct error *err)
{
	struct agent_answer answer;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_errno(err, ERROR_RESOURCE, "cannot make a pipe");
	pid_t pid = start_packing(folder, ends[1], ends[0], err);
	close(ends[1]);
	int result = pid < 0 ? -1
	                     : ask_path(communicator, AGENT_UPLOAD_FOLDER, destination, 0, ends[0],
				       &answer, err);
	close(ends[0]);
	if (pid > 0 && process_wait(pid) != 0 && result == 0)
		result = fail(err, ERROR_BROKEN, "the folder cannot be read");
	return result;
}

static int download(struct communicator *communicator, const char *source, int fd, mode_t *mode,
	struct error *err)
{
	struct agent_answer answer;

	if (ask_path(communicator, AGENT_DOWNLOAD, source, 0, fd, &answer, err) < 0)
		return -1;
	*mode = answer.mode;
	return 0;
}

/* Into FOLDER inside a chroot and the build's namespace: what the build put into its tar stays there. */
struct receiving {
	struct tree_unpack unpack;
};

static int receive_folder(void *context, struct error *err)
{
	struct receiving *receiving = context;

	return tree_unpack(&receiving->unpack, err);
}

/* To the namespace's root, which unpacks there; the tree's own folder stays whose it is. */
static int give_folder(const struct job *job, int folder, struct error *err)
{
	struct stat tree, status;

	if (fstat(job->tree_fd, &tree) < 0 || fstat(folder, &status) < 0)
		return fail_errno(err, ERROR_BROKEN, "a folder of the build");
	if (tree.st_dev == status.st_dev && tree.st_ino == status.st_ino)
		return 0;
	return userns_give(&job->ids, folder, err);
}

static int download_folder(
	struct communicator *communicator, const char *source, int folder, struct error *err)
{
	struct sandbox *sandbox = of(communicator);
	struct job *job = communicator->job;
	autofree struct agent_request *request = new_request(AGENT_DOWNLOAD_FOLDER);
	struct receiving receiving = {{.folder = folder, .epoch = INT64_MAX}};
	struct agent_answer answer;
	int ends[2];

	request->epoch = INT64_MAX;
	if (give_folder(job, folder, err) < 0 || add_word(request, source, err) < 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_errno(err, ERROR_RESOURCE, "cannot make a pipe");
	receiving.unpack.archive = ends[0];
	int sent = send_request(sandbox, request, &ends[1], 1, err);
	close(ends[1]);
	int result = sent;
	if (result == 0)
		result = userns_run(job->userns, &job->ids, receive_folder, &receiving, err);
	close(ends[0]);
	/* its answer comes in any case: the next request must not take it for its own */
	struct error unheard;
	if (sent < 0 || receive_answer(sandbox, &answer, result < 0 ? &unheard : err) < 0 ||
		result < 0)
		return -1;
	if (answer.code >= 0)
		return 0;
	*err = answer.error;
	return -1;
}

static bool is_folder(struct communicator *communicator, const char *source)
{
	struct agent_answer answer;
	struct error ignored;

	return ask_path(communicator, AGENT_IS_FOLDER, source, 0, -1, &answer, &ignored) == 0;
}

/* There is no connection that could be dropped. */
static int reset(struct communicator *communicator, struct error *err)
{
	return communicator_check(communicator, err);
}

int sandbox_pack(struct communicator *communicator, int fd, struct error *err)
{
	autofree struct agent_request *request = new_request(AGENT_PACK);
	struct agent_answer answer;

	request->epoch = communicator->job->epoch;
	if (add_word(request, "/", err) < 0)
		return -1;
	return ask(of(communicator), request, &fd, 1, &answer, err);
}

static const struct communicator_ops sandbox_ops = {
	.name = "rootfs",
	.run = run,
	.upload = upload,
	.upload_folder = upload_folder,
	.download = download,
	.download_folder = download_folder,
	.is_folder = is_folder,
	.reset = reset,
	.close = close_sandbox,
};
