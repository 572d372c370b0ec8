/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/fetch/answer.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

static const char *const late[ANSWER_STAGE_COUNT] = {
	[ANSWER_ORDER] = "",
	[ANSWER_LOCK] = ": another kiln-fetch is at work in the mirror",
	[ANSWER_CHECK] = ": the mirror is still being checked",
	[ANSWER_REMOTE] = "",
	[ANSWER_TRANSFER] = ": not all that is asked for has come",
};

static const struct {
	int signal;
	enum error_kind kind;
	const char *text;
} endings[] = {
	{SIGTERM, ERROR_TRANSIENT, "ended by SIGTERM"},
	{SIGINT, ERROR_TRANSIENT, "ended by SIGINT"},
	{SIGHUP, ERROR_TRANSIENT, "ended by SIGHUP"},
	/* libgit2 writes packs through a mapping, which is how a full disk shows there */
	{SIGBUS, ERROR_RESOURCE, "the mirror's disk is full, or fails, while objects are written"},
};
enum { ENDING_COUNT = sizeof(endings) / sizeof(*endings) };

/* The lines that a signal's handler says are made before: it may call next to nothing. */
static char *ending_lines[ENDING_COUNT], *late_lines[ANSWER_STAGE_COUNT];
static volatile sig_atomic_t stage;

static struct json *failure_to_json(enum error_kind kind, const char *text)
{
	struct json *object = json_new_object();

	json_set_text(object, "error", text);
	json_set_text(object, "kind", error_kind_name(kind));
	return object;
}

static char *make_line(enum error_kind kind, const char *text)
{
	autojson struct json *object = failure_to_json(kind, text);
	autofree char *line = json_to_line(object);
	return memory_printf("%s\n", line);
}

static void say(const char *line)
{
	size_t size = strlen(line);

	while (size) {
		ssize_t done = write(STDOUT_FILENO, line, size);
		if (done < 0)
			break;
		line += done;
		size -= done;
	}
}

static void end(int number)
{
	if (number == SIGALRM)
		say(late_lines[stage]);
	for (size_t i = 0; i < ENDING_COUNT; i++)
		if (endings[i].signal == number)
			say(ending_lines[i]);
	_exit(1);
}

void answer_start(void)
{
	struct sigaction action = {.sa_handler = end};

	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < ENDING_COUNT; i++) {
		ending_lines[i] = make_line(endings[i].kind, endings[i].text);
		sigaction(endings[i].signal, &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
}

void answer_within(int64_t deadline_sec, const char *shown)
{
	struct sigaction action = {.sa_handler = end};
	struct itimerval timer = {.it_value.tv_sec = deadline_sec};

	for (size_t i = 0; i < ANSWER_STAGE_COUNT; i++) {
		autofree char *text = memory_printf(
			"%s: no answer in %lld s%s", shown, (long long)deadline_sec, late[i]);
		late_lines[i] = make_line(ERROR_TRANSIENT, text);
	}
	sigfillset(&action.sa_mask);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

void answer_stage(enum answer_stage now)
{
	stage = now;
}

int answer_give(const struct json *value)
{
	CLEANUP(text_clear) struct text line = {0};
	struct error err;

	sigset_t all;

	json_write(value, JSON_LINE, &line);
	text_add_char(&line, '\n');
	/* from here on nothing but the reader's end ends us: half a line helps nobody */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	return file_write_all(STDOUT_FILENO, text_get(&line), line.size, &err) < 0;
}

int answer_fail(const struct error *failure)
{
	autojson struct json *value = failure_to_json(failure->kind, failure->text);

	answer_give(value);
	return 1;
}
