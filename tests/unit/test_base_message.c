/* SPDX-License-Identifier: Apache-2.0 */
#include "base/message.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "tests/unit/check.h"

static struct error err;
static struct message_link one, two;

static void connect_both(void)
{
	int ends[2] = {-1, -1};

	message_link_clear(&one);
	message_link_clear(&two);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "two ends");
	message_link_init(&one, ends[0]);
	message_link_init(&two, ends[1]);
}

static void queue(int number)
{
	autojson struct json *message = json_new_object();

	json_set_integer(message, "n", number);
	json_set_text(message, "text", "line\nline");
	message_queue(&one, message);
}

/* The number of the next message, -1 where there is none yet, -2 on an error. */
static int64_t next(void)
{
	struct json *message = NULL;
	int have = message_next(&two, &message, &err);

	if (have <= 0)
		return have < 0 ? -2 : -1;
	int64_t number = json_get_integer(message, "n", -3);
	json_free(message);
	return number;
}

static void sends(void)
{
	connect_both();
	CHECK_NUMBER(message_fill(&two), 0, "nothing came yet");
	CHECK_NUMBER(next(), -1, "so there is no message");
	CHECK_NUMBER(message_flush(&one), 1, "nothing is sent at once");
	queue(1);
	queue(2);
	CHECK_NUMBER(message_flush(&one), 1, "two are sent");
	CHECK_NUMBER(message_fill(&two), 1, "something came");
	CHECK(next() == 1 && next() == 2 && next() == -1, "two messages, and no more");
	CHECK(write(one.fd, "{\"n\":", 5) == 5 && message_fill(&two) == 1 && next() == -1,
		"half a message is none");
	CHECK(write(one.fd, "3}\n{\"n\":4", 9) == 9 && message_fill(&two) == 1 && next() == 3 &&
			next() == -1,
		"with its other half it is one");
	CHECK(write(one.fd, "}\n", 2) == 2 && message_fill(&two) == 1 && next() == 4,
		"and the next");
	for (int i = 0; i < 2000; i++) {
		queue(i);
		if (message_flush(&one) != 1 || message_fill(&two) != 1 || next() != i ||
			next() != -1)
			CHECK(false, "message %d of many", i);
	}
	CHECK(next() == -1 && two.in.room < 65536, "many take no more room than one");
}

static void refuses(void)
{
	static const char *const bad[] = {
		"no JSON\n", "[1]\n", "7\n", "{} {}\n", "\n", "{\"a\":1,\"a\":2}\n"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		connect_both();
		CHECK(write(one.fd, bad[i], strlen(bad[i])) > 0 && message_fill(&two) == 1 &&
				next() == -2,
			"what is no object in a line is no message (%zu)", i);
	}
}

static void leaves_value_alone(void)
{
	struct json *value = NULL;

	connect_both();
	CHECK(write(one.fd, "[1]\n", 4) == 4 && message_fill(&two) == 1, "a list comes");
	CHECK(message_next(&two, &value, &err) == -1 && !value, "what is refused sets nothing");
}

/* More than a socket holds: the sender has to wait for the reader. */
static void waits(void)
{
	autojson struct json *message = json_new_object(), *got = NULL;
	size_t size = 4 << 20;
	autofree char *text = memory_new(size + 1);

	connect_both();
	memset(text, 'x', size);
	json_set_text(message, "text", text);
	message_queue(&one, message);
	CHECK_NUMBER(message_flush(&one), 0, "of a large message some is left");
	pid_t child = fork();
	if (child == 0) {
		/* the reader answers how long it was */
		struct json *answer = json_new_object();
		int have = message_receive_wait(&two, 60000, &got, &err);
		json_set_integer(answer, "n",
			have > 0 ? (int64_t)strlen(json_get_text(got, "text", "")) : -1);
		_exit(message_send_wait(&two, answer, &err) < 0);
	}
	close(two.fd);
	two.fd = -1;
	CHECK(message_flush_wait(&one, &err) == 0, "the rest is sent when the other side reads");
	CHECK(message_receive_wait(&one, 60000, &got, &err) == 1 &&
			json_get_integer(got, "n", 0) == (int64_t)size,
		"it arrives whole");
	json_free(TAKE(got));
	CHECK_NUMBER(message_receive_wait(&one, 60000, &got, &err), 0, "then the other side ended");
	int status;
	CHECK(waitpid(child, &status, 0) == child && status == 0, "in good order");
}

static void notices_ends(void)
{
	autojson struct json *message = json_new_object(), *got = NULL;

	connect_both();
	CHECK(message_receive_wait(&two, 20, &got, &err) < 0, "no answer in time is an error");
	queue(5);
	CHECK(message_flush(&one) == 1 && write(one.fd, "{\"n", 3) == 3, "a message and a half");
	close(one.fd);
	one.fd = -1;
	CHECK(message_receive_wait(&two, 1000, &got, &err) == 1 &&
			json_get_integer(got, "n", 0) == 5,
		"what was sent before the end is read");
	json_free(TAKE(got));
	CHECK_NUMBER(message_receive_wait(&two, 1000, &got, &err), 0, "half a message is the end");
	CHECK_NUMBER(message_fill(&two), -1, "the other side is gone");
	CHECK(message_send_wait(&two, message, &err) < 0, "and nothing can be sent to it");
}

int main(void)
{
	one.fd = two.fd = -1;
	sends();
	refuses();
	leaves_value_alone();
	waits();
	notices_ends();
	message_link_clear(&one);
	message_link_clear(&two);
	CHECK_NUMBER(two.fd, -1, "cleared, a link has no socket");
	return check_done();
}
