/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kiln-web: webhooks, metrics and the page. It asks kilnd over its socket and decides nothing. Its listening sockets come
 * from systemd, or it binds listen.address of the service's file.
 */

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/listen_address.h"
#include "reconciler/service.h"
#include "reconciler/web/catalog.h"
#include "reconciler/web/guard.h"
#include "reconciler/web/hook.h"
#include "reconciler/web/session.h"

enum {
	LISTEN_FDS_START = 3, /* sd_listen_fds(3) */
	CONNECTIONS_MOST = 256,
	CONNECTIONS_EACH = 128,
	BACKLOG = 512,
	REQUEST_USEC = 30 * 1000 * 1000,
	RESPONSE_USEC = 120 * 1000 * 1000,
};

struct arguments {
	const char *config, *state, *socket;
	pid_t parent; /* who started us, to end with it; 0: nobody in particular */
};

static int usage(void)
{
	fprintf(stderr,
		"usage: kiln-web [--config FILE] [--state FOLDER] [--socket PATH] [--parent PID]\n"
		"kiln-web is started by kiln daemon or systemd; see kiln-service.json(5)\n");
	return 2;
}

static int read_arguments(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
		{"state", required_argument, NULL, 's'}, {"socket", required_argument, NULL, 'k'},
		{"parent", required_argument, NULL, 'p'}, {0}};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			arguments->config = optarg;
			break;
		case 's':
			arguments->state = optarg;
			break;
		case 'p':
			arguments->parent = atoi(optarg);
			break;
		case 'k':
			arguments->socket = optarg;
			break;
		default:
			return -1;
		}
	}
	return optind == argc ? 0 : -1;
}

/* ---- listening ---- */

/* How many sockets systemd passes: those from LISTEN_FDS_START on. */
static int count_passed(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

	if (!pid || !count || strtol(pid, NULL, 10) != getpid())
		return 0;
	long passed = strtol(count, NULL, 10);
	for (int fd = LISTEN_FDS_START; fd < LISTEN_FDS_START + passed; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	return passed > LISTENERS_MOST ? LISTENERS_MOST : (int)passed;
}

/* A socket that an earlier kiln-web left goes; anything else that lies there stays. */
static void remove_left_socket(const char *path)
{
	struct stat status;

	if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
		unlink(path);
}

static int open_listener(struct web *web, const char *text, struct error *err)
{
	struct listen_address address;
	autoclose int fd = -1;
	int on = 1;

	if (!text || !listen_address_parse(text, &address))
		return fail(err, ERROR_CATALOG,
			"nothing to listen at: the service's file has no listen.address");
	if (address.socket.ss_family == AF_UNIX)
		remove_left_socket(((struct sockaddr_un *)&address.socket)->sun_path);
	fd = socket(address.socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(fd, (struct sockaddr *)&address.socket, address.size) < 0 ||
		listen(fd, BACKLOG) < 0)
		return fail_errno(err, ERROR_RESOURCE, "cannot listen at %s", text);
	if (address.socket.ss_family == AF_UNIX)
		web->bound = memory_copy_text(((struct sockaddr_un *)&address.socket)->sun_path);
	return TAKE_FD(fd);
}

static int serve(struct web *web, int fd, struct error *err)
{
	struct http_options options = {.routes = web_routes,
		.web = web,
		.admit = guard_admit,
		.answered = guard_finish,
		.connections = &web->connections,
		.connections_most = CONNECTIONS_MOST,
		.connections_each = CONNECTIONS_EACH,
		.request_usec = REQUEST_USEC,
		.response_usec = RESPONSE_USEC};

	if (http_start(fd, &options, &web->listeners[web->listener_count], err) < 0)
		return -1;
	web->listener_count++;
	return 0;
}

static int listen_all(struct web *web, struct error *err)
{
	int passed = count_passed();

	for (int i = 0; i < passed; i++)
		if (serve(web, LISTEN_FDS_START + i, err) < 0)
			return -1;
	if (passed)
		return 0;
	int fd = open_listener(web, web->settings.address, err);
	return fd < 0 ? -1 : serve(web, fd, err);
}

/* ---- the program ---- */

static int prepare(struct web *web, const struct arguments *arguments, struct error *err)
{
	static const struct limits wrong_hooks = {30, 600, 60 * 1000 * 1000};
	static const struct limits wrong_tokens = {10, 100, 60 * 1000 * 1000};

	if (web_settings_read(arguments->config, &web->settings, err) < 0)
		return -1;
	autofree char *state = service_state_folder(arguments->state, web->settings.state);
	autofree char *socket = arguments->socket ? memory_copy_text(arguments->socket)
	                                          : memory_printf("%s/control.sock", state);
	kilnd_init(&web->kilnd, socket, web->stopping);
	web->nobody.bytes = secret_random(32);
	web->nobody.size = strlen(web->nobody.bytes);
	web->hook_limiter = limiter_new(&wrong_hooks);
	web->login_limiter = limiter_new(&wrong_tokens);
	web->replays = replays_new();
	web->sessions = sessions_new();
	web->catalogs = catalogs_new();
	return polls_start(&web->kilnd, &web->polls, err);
}

/* A bad file is refused, and the old one stays. Where it listens does not change while it runs. */
static void reload(struct web *web, const char *config)
{
	struct web_settings settings;
	struct error err;

	if (web_settings_read(config, &settings, &err) < 0) {
		fprintf(stderr, "kiln-web: the settings stay as they were: %s\n", err.text);
		return;
	}
	pthread_rwlock_wrlock(&web->lock);
	struct web_settings old = web->settings;
	web->settings = settings;
	pthread_rwlock_unlock(&web->lock);
	web_settings_clear(&old);
	fprintf(stderr, "kiln-web: the settings were read again\n");
}

static void wait_for_end(struct web *web, const char *config, const sigset_t *signals)
{
	for (;;) {
		int signal = sigwaitinfo(signals, NULL);
		if (signal == SIGTERM || signal == SIGINT)
			return;
		if (signal == SIGHUP)
			reload(web, config);
	}
}

/* Whoever waits for kilnd is told first; then connections end, and what they used can go. */
static void end(struct web *web)
{
	eventfd_write(web->stopping, 1);
	for (size_t i = 0; i < web->listener_count; i++)
		http_stop(web->listeners[i]);
	if (web->bound)
		unlink(web->bound);
	free(web->bound);
	polls_stop(web->polls);
	kilnd_clear(&web->kilnd);
	limiter_free(web->hook_limiter);
	limiter_free(web->login_limiter);
	replays_free(web->replays);
	sessions_free(web->sessions);
	catalogs_free(web->catalogs);
	secret_clear(&web->nobody);
	web_settings_clear(&web->settings);
	pthread_rwlock_destroy(&web->lock);
	close(web->stopping);
}

int main(int argc, char **argv)
{
	static struct web web;
	struct arguments arguments = {0};
	struct error err;
	sigset_t signals;

	if (read_arguments(argc, argv, &arguments) < 0)
		return usage();
	/* a daemon that is killed does not leave its address taken for the next one */
	if (arguments.parent &&
		(prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != arguments.parent))
		return 1;
	/* before there are threads: all of them leave these to sigwaitinfo */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	pthread_rwlock_init(&web.lock, NULL);
	web.stopping = eventfd(0, EFD_CLOEXEC);
	int result = prepare(&web, &arguments, &err);
	if (result == 0)
		result = listen_all(&web, &err);
	if (result == 0)
		wait_for_end(&web, arguments.config, &signals);
	else
		fprintf(stderr, "kiln-web: %s\n", err.text);
	end(&web);
	return result == 0 ? 0 : 1;
}
