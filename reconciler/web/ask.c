/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/ask.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "reconciler/control_socket.h"

enum {
	ASKING_MOST = 16,
	WAIT_USEC = 10 * 1000 * 1000,
	UNREAD_MOST = 64 * 1024 * 1024, /* bytes of a message that has no end yet */
};

/* Words that could be a file's path lead nowhere from here: what the page is asked must not read this machine's files. */
#define FOLDER "/dev/null"

void kilnd_init(struct kilnd *kilnd, const char *socket, int stopping)
{
	*kilnd = (struct kilnd){.socket = memory_copy_text(socket),
		.stopping = stopping,
		.asking_most = ASKING_MOST,
		.wait_usec = WAIT_USEC};
	pthread_mutex_init(&kilnd->lock, NULL);
}

void kilnd_clear(struct kilnd *kilnd)
{
	free(kilnd->socket);
	pthread_mutex_destroy(&kilnd->lock);
}

/* ---- an answer of many messages ---- */

int answer_begin(struct answer *answer, struct kilnd *kilnd, const char *verb,
	struct json *arguments, struct error *err)
{
	autojson struct json *request = json_new_object();

	*answer = (struct answer){.kilnd = kilnd, .link = {.fd = -1}};
	json_set_text(request, "verb", verb);
	json_set_text(request, "folder", FOLDER);
	json_set(request, "arguments", arguments);
	int fd = control_socket_connect(kilnd->socket);
	if (fd < 0)
		return fail_errno(
			err, ERROR_RESOURCE, "kilnd does not answer at %s", kilnd->socket);
	message_link_init(&answer->link, fd);
	message_queue(&answer->link, request);
	return 0;
}

void answer_clear(struct answer *answer)
{
	message_link_clear(&answer->link);
}

/* 1 something can be done, 0 the time is over, -1 kiln-web ends. */
static int wait_for(const struct answer *answer, int64_t until_usec)
{
	bool sent = answer->link.out_used == answer->link.out.size;
	struct pollfd wait[2] = {{.fd = answer->link.fd, .events = POLLIN | (sent ? 0 : POLLOUT)},
		{.fd = answer->kilnd->stopping, .events = POLLIN}};
	int64_t left_msec = (until_usec - moment_elapsed_usec() + 999) / 1000;

	if (left_msec <= 0)
		return 0;
	int ready = poll(wait, 2, (int)left_msec);
	if (wait[1].revents)
		return -1;
	return ready != 0;
}

/* What kilnd says at the end. */
static int take_end(struct answer *answer, const struct json *message, struct error *err)
{
	const char *error = json_get_text(message, "error", NULL);

	answer->code = (int)json_get_integer(message, "end", 1);
	if (error)
		return fail(err, ERROR_CATALOG, "%s", error);
	return ANSWER_ENDED;
}

int answer_next(struct answer *answer, int64_t wait_usec, struct json **message, struct error *err)
{
	int64_t until_usec = moment_elapsed_usec() + wait_usec;
	bool gone = false;

	for (;;) {
		autojson struct json *next = NULL;
		int have = message_next(&answer->link, &next, err);
		if (have < 0)
			return -1;
		if (have && json_has(next, "end"))
			return take_end(answer, next, err);
		if (have) {
			*message = TAKE(next);
			return ANSWER_MESSAGE;
		}
		if (gone)
			return fail(err, ERROR_RESOURCE, "kilnd ended before its answer did");
		if (answer->link.in.size - answer->link.in_used > UNREAD_MOST)
			return fail(err, ERROR_RESOURCE, "kilnd's answer is too long");
		int sent = message_flush(&answer->link);
		int filled = message_fill(&answer->link);
		gone = sent < 0 || filled < 0;
		if (gone || filled)
			continue;
		int ready = wait_for(answer, until_usec);
		if (ready < 0)
			return fail(err, ERROR_RESOURCE, "kiln-web is ending");
		if (ready == 0)
			return ANSWER_NOTHING;
	}
}

/* ---- one item ---- */

static bool may_ask(struct kilnd *kilnd, int change)
{
	pthread_mutex_lock(&kilnd->lock);
	bool may = change < 0 || kilnd->asking < kilnd->asking_most;
	if (may)
		kilnd->asking += change;
	pthread_mutex_unlock(&kilnd->lock);
	return may;
}

static int receive(struct answer *answer, int64_t wait_usec, struct json **item, struct error *err)
{
	int64_t until_usec = moment_elapsed_usec() + wait_usec;
	autojson struct json *last = NULL;

	for (;;) {
		autojson struct json *message = NULL;
		int state = answer_next(answer, until_usec - moment_elapsed_usec(), &message, err);
		if (state < 0)
			return -1;
		if (state == ANSWER_NOTHING)
			return fail(err, ERROR_RESOURCE, "kilnd did not answer within %d seconds",
				(int)(wait_usec / 1000000));
		if (state == ANSWER_ENDED)
			break;
		if (json_has(message, "busy"))
			return fail(err, ERROR_RESOURCE, "kilnd is being started");
		if (json_has(message, "item")) {
			json_free(last);
			last = json_copy(json_get(message, "item"));
		}
	}
	if (answer->code)
		return fail(err, ERROR_CATALOG, "kilnd refused, with code %d", answer->code);
	*item = TAKE(last);
	return 0;
}

int kilnd_ask_within(struct kilnd *kilnd, int64_t wait_usec, const char *verb,
	struct json *arguments, struct json **item, struct error *err)
{
	CLEANUP(answer_clear) struct answer answer = {.link = {.fd = -1}};

	*item = NULL;
	if (!may_ask(kilnd, 1)) {
		json_free(arguments);
		return fail(err, ERROR_RESOURCE, "too many are asking kilnd already");
	}
	int result = answer_begin(&answer, kilnd, verb, arguments, err);
	if (result == 0)
		result = receive(&answer, wait_usec, item, err);
	may_ask(kilnd, -1);
	return result;
}

int kilnd_ask(struct kilnd *kilnd, const char *verb, struct json *arguments, struct json **item,
	struct error *err)
{
	return kilnd_ask_within(kilnd, kilnd->wait_usec, verb, arguments, item, err);
}
