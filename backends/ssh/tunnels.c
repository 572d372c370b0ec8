/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that tunnels go through, with a connection of its own: they work whatever this one is doing, a step on this machine
 * among it. Source: Packer 1.6.6 communicator/ssh/tunnel.go.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/ssh/session.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/process.h"

enum { BACKLOG = 16, PAUSE_USEC = 1000 * 1000 };

struct beginning {
	struct ssh *ssh;
	struct tunnel_listener *listeners;
	size_t count;
	int told; /* where the process says that it is ready; -1: it did */
};

static void end(struct beginning *beginning)
{
	for (size_t i = 0; i < beginning->count; i++)
		close(beginning->listeners[i].fd);
	free(beginning->listeners);
	cleanup_close(&beginning->told);
}

/* ---- listening here ---- */

static int listen_at(int port, struct error *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(fd, BACKLOG) < 0)
		return fail_errno(err, ERROR_RESOURCE,
			"ssh_local_tunnels: cannot listen at 127.0.0.1 port %d", port);
	return TAKE_FD(fd);
}

static int listen_here(struct beginning *beginning, struct error *err)
{
	const struct ssh_tunnels *tunnels = &beginning->ssh->settings->local_tunnels;

	beginning->listeners = memory_new((tunnels->count + 1) * sizeof(*beginning->listeners));
	for (size_t i = 0; i < tunnels->count; i++) {
		int fd = listen_at(tunnels->items[i].port, err);
		if (fd < 0)
			return -1;
		beginning->listeners[beginning->count++] =
			(struct tunnel_listener){fd, &tunnels->items[i]};
	}
	return 0;
}

/* ---- the process ---- */

/* It is ready, or why it never will be: a kind and a text. */
static void tell(struct beginning *beginning, const struct error *why)
{
	char answer[sizeof(why->text) + 1] = {(char)(why ? why->kind : ERROR_NONE)};

	if (beginning->told < 0)
		return;
	if (why)
		memcpy(answer + 1, why->text, sizeof(why->text));
	if (write(beginning->told, answer, sizeof(answer)) < 0)
		_exit(1); /* nobody is there any more */
	cleanup_close(&beginning->told);
}

static void tell_ready(void *context)
{
	tell(context, NULL);
}

static void prepare(const struct beginning *beginning, pid_t parent)
{
	autofree int *kept = memory_new((beginning->count + 2) * sizeof(*kept));
	size_t count = 0;
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	kept[count++] = beginning->told;
	kept[count++] = beginning->ssh->communicator.job->log.fd;
	for (size_t i = 0; i < beginning->count; i++)
		kept[count++] = beginning->listeners[i].fd;
	process_close_others(kept, count);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
}

/* The parent's connection is the parent's: of it only the host's key is taken over. */
static void become(struct beginning *beginning, pid_t parent)
{
	struct job job = *beginning->ssh->communicator.job;
	struct ssh_settings settings = *beginning->ssh->settings;
	struct ssh own = *beginning->ssh;
	struct error err;
	bool began = false;

	prepare(beginning, parent);
	job.watch = NULL;
	job.deadline_usec = 0;
	memset(job.log.partial, 0, sizeof(job.log.partial));
	settings.alone = true;
	own.communicator.job = &job;
	own.communicator.deadline_usec = 0;
	own.settings = &settings;
	own.link = NULL;
	for (;;) {
		int result = ssh_connect(&own, &err);
		if (result == 0)
			result = tunnel_serve(own.link, beginning->listeners, beginning->count,
				&settings.remote_tunnels, tell_ready, beginning, &err);
		began |= beginning->told < 0;
		if (result < 0 && !began) {
			tell(beginning, &err);
			_exit(1);
		}
		build_log_say(&job.log, "the tunnels: %s",
			result < 0 ? err.text : "the connection is lost; another is made");
		if (own.link)
			link_close(own.link);
		own.link = NULL;
		usleep(PAUSE_USEC);
	}
}

/* ---- its beginning and end ---- */

static int wait_ready(struct ssh *ssh, int told, struct error *err)
{
	struct patience patience = {&ssh->communicator, 0, "the tunnels"};
	struct error why = {0};
	char answer[sizeof(why.text) + 1];
	short got = 0;

	while (!got)
		if (patience_wait(&patience, told, POLLIN, &got, err) < 0)
			return -1;
	ssize_t size = read(told, answer, sizeof(answer));
	if (size <= 0)
		return fail(err, ERROR_BROKEN, "the process of the tunnels is gone");
	why.kind = (enum error_kind)answer[0];
	if (why.kind == ERROR_NONE)
		return 0;
	memcpy(why.text, answer + 1, sizeof(why.text));
	*err = why;
	return fail_while(err, "the tunnels");
}

static int start(struct ssh *ssh, int ends[2], struct error *err)
{
	CLEANUP(end) struct beginning beginning = {.ssh = ssh, .told = ends[1]};
	pid_t parent = getpid();

	if (listen_here(&beginning, err) < 0)
		return -1;
	pid_t pid = fork();
	if (pid < 0)
		return fail_errno(err, ERROR_RESOURCE, "cannot fork");
	if (pid == 0)
		become(&beginning, parent);
	ssh->tunnels = pid;
	return 0;
}

int tunnels_start(struct ssh *ssh, struct error *err)
{
	const struct ssh_settings *settings = ssh->settings;
	int ends[2];

	if (!settings->local_tunnels.count && !settings->remote_tunnels.count)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_errno(err, ERROR_RESOURCE, "cannot make a pipe");
	int result = start(ssh, ends, err);
	if (result == 0)
		result = wait_ready(ssh, ends[0], err);
	close(ends[0]);
	if (result == 0)
		build_log_say(&ssh->communicator.job->log, "the tunnels are there");
	return result;
}

void tunnels_stop(struct ssh *ssh)
{
	if (!ssh->tunnels)
		return;
	kill(ssh->tunnels, SIGKILL);
	process_wait(ssh->tunnels);
	ssh->tunnels = 0;
}
