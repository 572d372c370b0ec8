/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/build_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"

enum {
	TAIL_MOST = 1000, /* lines */
	STREAMS_MOST = 32,
	BEAT_USEC =
		10 * 1000 * 1000, /* a line that says nothing shows whether anybody still reads */
};

static struct json *make_arguments(const char *build, bool follow)
{
	struct json *arguments = json_new_object();

	json_set_text(arguments, "image", build);
	json_set_bool(arguments, "f", follow);
	return arguments;
}

/* ---- its end ---- */

int build_log_tail(
	struct web *web, const char *build, struct json **lines, int64_t *count, struct error *err)
{
	CLEANUP(answer_clear) struct answer answer = {.link = {.fd = -1}};
	int64_t until_usec = moment_elapsed_usec() + web->kilnd.wait_usec;
	struct json *ring[TAIL_MOST] = {NULL};
	int state;

	*count = 0;
	*lines = json_new_list();
	if (answer_begin(&answer, &web->kilnd, "log", make_arguments(build, false), err) < 0)
		return -1;
	for (;;) {
		autojson struct json *message = NULL;
		state = answer_next(&answer, until_usec - moment_elapsed_usec(), &message, err);
		if (state != ANSWER_MESSAGE)
			break;
		if (!json_has(message, "log"))
			continue;
		struct json **place = &ring[(*count)++ % TAIL_MOST];
		json_free(*place);
		*place = json_copy(json_get(message, "log"));
	}
	int64_t first = *count > TAIL_MOST ? *count - TAIL_MOST : 0;
	for (int64_t i = first; i < *count; i++)
		json_add(*lines, ring[i % TAIL_MOST]);
	if (state == ANSWER_NOTHING)
		return fail(err, ERROR_RESOURCE, "the log did not come in time");
	/* no log is no lines */
	return state < 0 && err->kind != ERROR_CATALOG ? -1 : 0;
}

/* ---- as it comes ---- */

struct following {
	struct web *web;
	struct answer answer;
	int64_t line, after; /* of the log; those up to AFTER were seen */
	bool as_text, ended;
};

static void write_event(const struct json *line, int64_t number, struct text *out)
{
	text_addf(out, "id: %lld\nevent: line\ndata: ", (long long)number);
	json_write(line, JSON_LINE, out);
	text_add(out, "\n\n");
}

static void write_line(const struct json *line, struct text *out)
{
	text_addf(out, "%s %s\n", json_get_text(line, "time", ""), json_get_text(line, "text", ""));
}

static void write_end(
	struct following *following, int state, const struct error *err, struct text *out)
{
	autojson struct json *reason = json_new_object();

	following->ended = true;
	if (following->as_text && state < 0)
		text_addf(out, "%s\n", err->text);
	if (following->as_text)
		return;
	json_set_text(reason, "error", state < 0 ? err->text : NULL);
	/* kilnd that went away comes back: the browser tries again by itself */
	bool again = state < 0 && err->kind != ERROR_CATALOG;
	text_addf(out, "retry: 2000\nevent: %s\ndata: ", again ? "away" : "end");
	json_write(reason, JSON_LINE, out);
	text_add(out, "\n\n");
}

static bool next_line(void *stream, struct text *out)
{
	struct following *following = stream;

	if (following->ended)
		return false;
	while (!out->size) {
		autojson struct json *message = NULL;
		struct error err;
		int state = answer_next(&following->answer, BEAT_USEC, &message, &err);
		if (state == ANSWER_MESSAGE) {
			const struct json *line = json_get(message, "log");
			if (!line || ++following->line <= following->after)
				continue;
			if (following->as_text)
				write_line(line, out);
			else
				write_event(line, following->line, out);
		} else if (state == ANSWER_NOTHING && !following->as_text) {
			text_add(out, ":\n\n");
		} else if (state != ANSWER_NOTHING) {
			write_end(following, state, &err, out);
			return out->size != 0;
		}
	}
	return true;
}

static void end_following(void *stream)
{
	struct following *following = stream;

	answer_clear(&following->answer);
	atomic_fetch_sub(&following->web->streams, 1);
	free(following);
}

static void start(
	struct web *web, const char *build, struct following *made, struct response *response)
{
	struct following *following = memory_new(sizeof(*following));
	struct error err;

	*following = *made;
	following->web = web;
	following->answer.link.fd = -1;
	if (atomic_fetch_add(&web->streams, 1) >= STREAMS_MOST) {
		end_following(following);
		response_text(response, 503, "too many logs are being followed");
		response_header(response, "Retry-After", "10");
		return;
	}
	struct json *arguments = make_arguments(build, !made->as_text);
	if (answer_begin(&following->answer, &web->kilnd, "log", arguments, &err) < 0) {
		end_following(following);
		response_text(response, 503, "%s", err.text);
		response_header(response, "Retry-After", "5");
		return;
	}
	response->status = 200;
	response->next = next_line;
	response->end = end_following;
	response->stream = following;
}

void build_log_follow(
	struct web *web, struct request *request, const char *build, struct response *response)
{
	const char *after = request_header(request, "Last-Event-ID");
	struct following following = {0};

	if (!after)
		after = request_query(request, "after");
	following.after = after ? strtoll(after, NULL, 10) : 0;
	response->type = "text/event-stream";
	response_header(response, "X-Accel-Buffering", "no");
	start(web, build, &following, response);
}

void build_log_text(
	struct web *web, struct request *request, const char *build, struct response *response)
{
	struct following following = {.as_text = true};

	(void)request;
	response->type = "text/plain; charset=utf-8";
	start(web, build, &following, response);
}
