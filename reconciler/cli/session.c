/* SPDX-License-Identifier: Apache-2.0 */
/* Asking kilnd: the one that runs, or one of our own. */
#include "reconciler/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/moment.h"
#include "base/process.h"
#include "reconciler/control_socket.h"

enum {
	LOCK_WAIT_USEC = 10 * 1000 * 1000,
	RETRY_USEC = 30 * 1000,
	TICK_MSEC = 200, /* of the progress line */
	CONFIG_SIZE_MOST = 4 * 1024 * 1024,
};

#define SYSTEM_STATE "/var/lib/kiln"
#define SYSTEM_SHARED "/run/kiln" /* the socket there is for a group */
#define SYSTEM_CONFIG "/etc/kiln/service.json"

/* ---- where ---- */

/* The `state` of the service's file; kilnd says what is wrong with that file, if anything is. */
static char *configured_state(const char *config)
{
	autofree char *text = NULL;
	autojson struct json *root = NULL;
	struct error ignored;
	size_t size;

	if (file_read(AT_FDCWD, config ? config : SYSTEM_CONFIG, CONFIG_SIZE_MOST, &text, &size,
		    &ignored) < 0)
		return NULL;
	struct json_source source = {"", text, size};
	if (json_parse(&source, JSON_COMMENTS, &root, &ignored) < 0)
		return NULL;
	const char *state = json_get_text(root, "state", NULL);
	return state ? memory_copy_text(state) : NULL;
}

/* The places where a socket may be, the own one first. */
static void find_states(const struct session *session, struct strings *states)
{
	const char *environment = getenv("KILN_STATE"), *home = getenv("HOME");
	const char *xdg = getenv("XDG_STATE_HOME");
	autofree char *configured = configured_state(session->config);

	if (session->state)
		strings_add(states, session->state);
	else if (environment && *environment)
		strings_add(states, environment);
	else if (configured)
		strings_add(states, configured);
	else if (geteuid() == 0)
		strings_add(states, SYSTEM_STATE);
	else if (xdg && xdg[0] == '/')
		strings_addf(states, "%s/kiln", xdg);
	else
		strings_addf(states, "%s/.local/state/kiln", home ? home : "");
	if (geteuid() != 0 && !session->state && !(environment && *environment)) {
		strings_add_once(states, SYSTEM_STATE);
		strings_add(states, SYSTEM_SHARED);
	}
}

static int connect_socket(const char *state)
{
	autofree char *path = memory_printf("%s/control.sock", state);

	return control_socket_connect(path);
}

/* kilnd lies beside kiln in a build tree, in libexec/kiln when installed. */
char *cli_find_kilnd(void)
{
	char self[4096];
	ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (size <= 0)
		return memory_copy_text("kilnd");
	self[size] = '\0';
	*strrchr(self, '/') = '\0';
	char *beside = memory_printf("%s/kilnd", self);
	if (access(beside, X_OK) == 0)
		return beside;
	free(beside);
	return memory_printf("%s/../libexec/kiln/kilnd", self);
}

void cli_kilnd_arguments(const struct session *session, const char *program, const char *mode,
	const char *arguments[static CLI_KILND_WORDS])
{
	int count = 0;

	arguments[count++] = program;
	arguments[count++] = mode;
	if (session->state) {
		arguments[count++] = "--state";
		arguments[count++] = session->state;
	}
	if (session->config) {
		arguments[count++] = "--config";
		arguments[count++] = session->config;
	}
	arguments[count] = NULL;
}

static int start_kilnd(
	const struct session *session, struct message_link *link, pid_t *pid, struct error *err)
{
	autofree char *program = cli_find_kilnd();
	const char *arguments[CLI_KILND_WORDS];
	struct process_options options = PROCESS_OPTIONS;
	int ends[2];

	cli_kilnd_arguments(session, program, "--once", arguments);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return fail_errno(err, ERROR_BROKEN, "cannot make a socket");
	options.arguments = arguments;
	options.extra = ends[1];
	options.errors = STDERR_FILENO;
	options.new_session = true; /* Ctrl-C is ours to pass on */
	*pid = process_start(&options, err);
	close(ends[1]);
	if (*pid < 0) {
		close(ends[0]);
		return -1;
	}
	message_link_init(link, ends[0]);
	return 0;
}

/* ---- asking ---- */

static volatile sig_atomic_t interrupts;

static void note_interrupt(int signal)
{
	(void)signal;
	interrupts++;
}

static void catch_interrupts(void)
{
	struct sigaction action = {
		.sa_handler = note_interrupt}; /* no SA_RESTART: poll must wake */

	sigset_t signals;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* they come while we wait, and at no other time: none is missed */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
}

/* Until something comes, a signal or the next look at the progress line. */
static void wait_for_answer(const struct session *session, int fd)
{
	static const struct timespec tick = {.tv_nsec = TICK_MSEC * 1000000};
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	sigset_t none;

	sigemptyset(&none);
	ppoll(&wait, 1, session->progress.shown ? &tick : NULL, &none);
}

/* The first one asks kilnd to clean up, the second to stop at once. */
static void pass_interrupts(struct message_link *link, int *passed)
{
	while (*passed < interrupts) {
		autojson struct json *message = json_new_object();
		(*passed)++;
		json_set_text(message, "interrupt", *passed == 1 ? "cancel" : "stop");
		message_queue(link, message);
		message_flush(link);
	}
}

static void show_item(struct session *session, const struct json *item)
{
	CLEANUP(text_clear) struct text line = {0};

	progress_wipe(&session->progress);
	session->items++;
	if (session->verb->observe)
		session->verb->observe(session, item);
	if (session->as_json) {
		json_write(item, JSON_LINE, &line);
		text_add_char(&line, '\n');
		fwrite(line.data, 1, line.size, stdout);
		fflush(stdout);
	} else if (session->verb->show) {
		session->verb->show(session, item);
		fflush(stdout);
	}
}

static void show_log(struct session *session, const struct json *line)
{
	progress_wipe(&session->progress);
	if (session->verb->show_log)
		session->verb->show_log(session, line);
	fflush(stdout);
}

static void complain(struct session *session, const char *text)
{
	progress_wipe(&session->progress);
	cli_complain("%s", text);
}

enum { ANSWER_BUSY = -2, ANSWER_LOST = -3 };

/* The exit code; ANSWER_BUSY where another process has the lock, whose words go to HOLDER. */
static int read_answer(struct session *session, struct message_link *link, char holder[static 128])
{
	int passed = 0;

	for (;;) {
		autojson struct json *message = NULL;
		struct error err;
		int have = message_next(link, &message, &err);
		if (have < 0) {
			cli_complain("%s", err.text);
			return 1;
		}
		if (have == 0) {
			pass_interrupts(link, &passed);
			progress_draw(&session->progress);
			wait_for_answer(session, link->fd);
			if (message_fill(link) < 0 && message_next(link, &message, &err) <= 0)
				return ANSWER_LOST;
			if (!message)
				continue;
		}
		if (json_has(message, "busy")) {
			snprintf(holder, 128, "%s", json_get_text(message, "busy", ""));
			return ANSWER_BUSY;
		}
		if (json_has(message, "item"))
			show_item(session, json_get(message, "item"));
		if (json_has(message, "log"))
			show_log(session, json_get(message, "log"));
		if (json_has(message, "note"))
			complain(session, json_get_text(message, "note", ""));
		if (json_has(message, "error"))
			complain(session, json_get_text(message, "error", ""));
		if (json_has(message, "end"))
			return (int)json_get_integer(message, "end", 1);
	}
}

static int send_request(struct session *session, struct message_link *link, struct error *err)
{
	autojson struct json *request = json_new_object();
	char folder[4096];

	json_set_text(request, "verb", session->verb->name);
	json_set_text(request, "folder", getcwd(folder, sizeof(folder)) ? folder : "/");
	json_set(request, "arguments", json_copy(session->arguments));
	return message_send_wait(link, request, err);
}

/* One try; ANSWER_BUSY or ANSWER_LOST if it is worth another. */
static int ask_once(struct session *session, char holder[static 128])
{
	CLEANUP(strings_clear) struct strings states = {0};
	struct message_link link = {.fd = -1};
	struct error err;
	pid_t pid = -1;
	int fd = -1;

	find_states(session, &states);
	for (size_t i = 0; i < states.count && fd < 0; i++)
		fd = connect_socket(states.items[i]);
	if (fd >= 0) {
		message_link_init(&link, fd);
	} else if (start_kilnd(session, &link, &pid, &err) < 0) {
		cli_complain("%s", err.text);
		return 1;
	}
	int code = send_request(session, &link, &err) < 0 ? ANSWER_LOST
	                                                  : read_answer(session, &link, holder);
	message_link_clear(&link);
	if (pid > 0) {
		int ended = process_wait(pid);
		char how[64];
		if (code == ANSWER_LOST) {
			cli_complain(
				"kilnd ended without an answer (%s)", process_describe(ended, how));
			return 1;
		}
	}
	return code;
}

int cli_ask(struct session *session)
{
	int64_t deadline = moment_elapsed_usec() + LOCK_WAIT_USEC;
	char holder[128] = "";
	int code;

	catch_interrupts();
	progress_init(&session->progress, session->verb->name);
	for (;;) {
		code = ask_once(session, holder);
		if ((code != ANSWER_BUSY && code != ANSWER_LOST) || session->items || interrupts)
			break;
		if (moment_elapsed_usec() > deadline) {
			if (code == ANSWER_BUSY)
				cli_complain("the state folder is in use: %s has held its lock for "
					     "more than 10 seconds and does not answer",
					holder);
			else
				cli_complain("kilnd does not answer");
			return 1;
		}
		usleep(RETRY_USEC);
	}
	if (code < 0) {
		cli_complain("kilnd ended without an answer");
		code = 1;
	}
	progress_clear(&session->progress);
	return session->verb->finish ? session->verb->finish(session, code) : code;
}
