/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked of an SSH agent: its keys, and signatures. libssh2's own agent blocks where the agent does not answer.
 * Source: draft-miller-ssh-agent.
 */
#include "backends/ssh/link.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <libssh2.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/text.h"

enum {
	ASK_KEYS = 11,
	ANSWER_KEYS = 12,
	ASK_SIGNATURE = 13,
	ANSWER_SIGNATURE = 14,
	ANSWER_MOST = 256 * 1024,
};

struct agent {
	int fd;
	struct link *link;
	const unsigned char *blob; /* the key at hand */
	size_t blob_size;
	struct error refusal; /* of the signature that failed */
	bool failed;
};

/* ---- bytes ---- */

static void add_number(struct text *out, size_t number)
{
	const unsigned char bytes[] = {number >> 24, number >> 16, number >> 8, number};

	text_add_bytes(out, bytes, sizeof(bytes));
}

static void add_string(struct text *out, const void *bytes, size_t size)
{
	add_number(out, size);
	text_add_bytes(out, bytes, size);
}

struct reader {
	const unsigned char *at;
	size_t left;
};

static bool take_number(struct reader *reader, size_t *number)
{
	const unsigned char *at = reader->at;

	if (reader->left < 4)
		return false;
	*number = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
	reader->at += 4;
	reader->left -= 4;
	return true;
}

static bool take_string(struct reader *reader, struct reader *string)
{
	size_t size = 0;

	if (!take_number(reader, &size) || size > reader->left)
		return false;
	*string = (struct reader){reader->at, size};
	reader->at += size;
	reader->left -= size;
	return true;
}

/* ---- one question ---- */

static int exchange(struct agent *agent, const struct text *question, struct text *answer,
	size_t wanted, struct error *err)
{
	const struct patience *patience = &agent->link->patience;
	size_t sent = 0;
	char buffer[4096];
	short got;

	while (answer->size < wanted) {
		bool sending = question && sent < question->size;
		ssize_t count = sending ? send(agent->fd, question->data + sent,
						  question->size - sent, MSG_NOSIGNAL)
		                        : recv(agent->fd, buffer,
						  wanted - answer->size < sizeof(buffer)
							  ? wanted - answer->size
							  : sizeof(buffer),
						  0);
		if (count > 0 && sending)
			sent += count;
		else if (count > 0)
			text_add_bytes(answer, buffer, count);
		else if (count == 0)
			return fail(err, ERROR_TRANSIENT, "the ssh agent hung up");
		else if (errno != EAGAIN && errno != EINTR)
			return fail_errno(err, ERROR_TRANSIENT, "the ssh agent");
		else if (patience_wait(patience, agent->fd, sending ? POLLOUT : POLLIN, &got, err) <
			 0)
			return -1;
	}
	return 0;
}

/* BODY is asked; what comes back, without its length, in ANSWER, whose kind must be WANTED. */
static int ask(struct agent *agent, const struct text *body, int wanted, struct text *answer,
	struct error *err)
{
	CLEANUP(text_clear) struct text question = {0}, head = {0};
	size_t size = 0;

	add_string(&question, body->data, body->size);
	if (exchange(agent, &question, &head, 4, err) < 0)
		return -1;
	struct reader reader = {(const unsigned char *)head.data, head.size};
	take_number(&reader, &size);
	if (size == 0 || size > ANSWER_MOST)
		return fail(err, ERROR_TRANSIENT, "the ssh agent answers nonsense");
	if (exchange(agent, NULL, answer, size, err) < 0)
		return -1;
	return answer->data[0] == wanted ? 0 : fail(err, ERROR_TRANSIENT, "the ssh agent refuses");
}

/* ---- signing ---- */

/* libssh2 frees the signature, which it wants without the name of its kind. */
static int sign(LIBSSH2_SESSION *session, unsigned char **signature, size_t *signature_size,
	const unsigned char *data, size_t size, void **abstract)
{
	struct agent *agent = *abstract;
	CLEANUP(text_clear) struct text body = {0}, answer = {0};
	struct reader whole, kind, bytes;

	(void)session;
	text_add_char(&body, ASK_SIGNATURE);
	add_string(&body, agent->blob, agent->blob_size);
	add_string(&body, data, size);
	add_number(&body, 0);
	agent->failed = ask(agent, &body, ANSWER_SIGNATURE, &answer, &agent->refusal) < 0;
	struct reader reader = {(const unsigned char *)answer.data + 1, answer.size - 1};
	if (agent->failed || !take_string(&reader, &whole) || !take_string(&whole, &kind) ||
		!take_string(&whole, &bytes))
		return -1;
	*signature = (unsigned char *)memory_copy_bytes(bytes.at, bytes.left);
	*signature_size = bytes.left;
	return 0;
}

static int try_key(struct agent *agent, struct reader blob, struct error *err)
{
	struct link *link = agent->link;
	const char *user = link->host->identity.username;
	void *context = agent;

	agent->blob = blob.at;
	agent->blob_size = blob.left;
	agent->failed = false;
	long code = LINK_TRY(link, err,
		libssh2_userauth_publickey(
			link->session, user, blob.at, blob.left, sign, &context));
	if (code == 0)
		return 1;
	if (agent->failed && agent->refusal.kind == ERROR_CONFLICT) {
		*err = agent->refusal;
		return -1;
	}
	if (agent->failed || code == LIBSSH2_ERROR_AUTHENTICATION_FAILED ||
		code == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
		return 0;
	return link_failed(link, code, "the login", err);
}

static bool is_kind(struct reader blob, const char *name)
{
	struct reader kind;

	return take_string(&blob, &kind) && kind.left == strlen(name) &&
	       memcmp(kind.at, name, kind.left) == 0;
}

/* Keys on a piece of hardware and certificates are nothing that libssh2 1.10 can name. */
static bool is_usable(struct reader blob)
{
	return is_kind(blob, "ssh-rsa") || is_kind(blob, "ssh-ed25519") ||
	       is_kind(blob, "ecdsa-sha2-nistp256") || is_kind(blob, "ecdsa-sha2-nistp384") ||
	       is_kind(blob, "ecdsa-sha2-nistp521");
}

/* ---- the whole ---- */

static int reach(struct agent *agent, struct error *err)
{
	const char *path = getenv("SSH_AUTH_SOCK");
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (!path || strlen(path) >= sizeof(address.sun_path))
		return fail(err, ERROR_CATALOG, "SSH_AUTH_SOCK names no socket");
	strcpy(address.sun_path, path);
	agent->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (agent->fd < 0 || connect(agent->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail_errno(err, ERROR_CATALOG, "the ssh agent at %s", path);
	return 0;
}

static int try_keys(struct agent *agent, bool rsa, struct strings *tried, struct error *err)
{
	CLEANUP(text_clear) struct text body = {0}, answer = {0};
	struct reader blob, comment;
	size_t count;

	text_add_char(&body, ASK_KEYS);
	if (ask(agent, &body, ANSWER_KEYS, &answer, err) < 0)
		return -1;
	struct reader reader = {(const unsigned char *)answer.data + 1, answer.size - 1};
	if (!take_number(&reader, &count))
		return 0;
	while (count-- && take_string(&reader, &blob) && take_string(&reader, &comment)) {
		if (!is_usable(blob) || is_kind(blob, "ssh-rsa") != rsa)
			continue;
		strings_addf(tried, "agent's key (%.*s)", (int)comment.left, comment.at);
		int result = try_key(agent, blob, err);
		if (result)
			return result;
		agent->link->rsa_refused |= rsa;
	}
	return 0;
}

int agent_login(struct link *link, bool rsa, struct strings *tried, struct error *err)
{
	struct agent agent = {.fd = -1, .link = link};
	int result = reach(&agent, err);

	if (result == 0)
		result = try_keys(&agent, rsa, tried, err);
	cleanup_close(&agent.fd);
	return result;
}
