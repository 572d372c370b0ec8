/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/ssh/link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/text.h"

enum {
	VERSION = 5,
	NO_LOGIN = 0,
	LOGIN = 2,
	NO_METHOD = 255,
	LOGIN_VERSION = 1,
	CONNECT = 1,
	ADDRESS_IPV4 = 1,
	ADDRESS_NAME = 3,
	ADDRESS_IPV6 = 4,
	WORD_MOST = 255
};

struct proxy {
	int fd;
	const struct patience *patience;
};

/* ---- bytes ---- */

static int send_all(struct proxy *proxy, const struct text *bytes, struct error *err)
{
	size_t sent = 0;
	short got;

	while (sent < bytes->size) {
		ssize_t count =
			send(proxy->fd, bytes->data + sent, bytes->size - sent, MSG_NOSIGNAL);
		if (count > 0)
			sent += count;
		else if (errno != EAGAIN && errno != EINTR)
			return fail_errno(err, ERROR_TRANSIENT, "writing");
		else if (patience_wait(proxy->patience, proxy->fd, POLLOUT, &got, err) < 0)
			return -1;
	}
	return 0;
}

/* Exactly SIZE: what comes behind is SSH's. */
static int receive(struct proxy *proxy, unsigned char *bytes, size_t size, struct error *err)
{
	short got;

	while (size) {
		ssize_t count = recv(proxy->fd, bytes, size, 0);
		if (count > 0) {
			bytes += count;
			size -= count;
		} else if (count == 0) {
			return fail(err, ERROR_TRANSIENT, "it hung up: is it a SOCKS5 proxy?");
		} else if (errno != EAGAIN && errno != EINTR) {
			return fail_errno(err, ERROR_TRANSIENT, "reading");
		} else if (patience_wait(proxy->patience, proxy->fd, POLLIN, &got, err) < 0) {
			return -1;
		}
	}
	return 0;
}

static void add_byte(struct text *bytes, int byte)
{
	text_add_char(bytes, (char)byte);
}

static int add_word(struct text *bytes, const char *word, const char *what, struct error *err)
{
	size_t size = strlen(word);

	if (size > WORD_MOST)
		return fail(err, ERROR_CATALOG, "%s is longer than %d bytes", what, WORD_MOST);
	add_byte(bytes, (int)size);
	text_add_bytes(bytes, word, size);
	return 0;
}

/* ---- the conversation ---- */

static int log_in(struct proxy *proxy, const struct ssh_settings *settings, struct error *err)
{
	CLEANUP(text_clear) struct text bytes = {0};
	unsigned char answer[2];
	const char *password = settings->proxy_password ? settings->proxy_password : "";

	add_byte(&bytes, LOGIN_VERSION);
	if (add_word(&bytes, settings->proxy_username, "ssh_proxy_username", err) < 0 ||
		add_word(&bytes, password, "ssh_proxy_password", err) < 0 ||
		send_all(proxy, &bytes, err) < 0 || receive(proxy, answer, 2, err) < 0)
		return -1;
	return answer[1] == 0 ? 0
	                      : fail(err, ERROR_CATALOG,
					"it refuses ssh_proxy_username and ssh_proxy_password");
}

static int greet(struct proxy *proxy, const struct ssh_settings *settings, struct error *err)
{
	CLEANUP(text_clear) struct text bytes = {0};
	unsigned char answer[2];

	add_byte(&bytes, VERSION);
	add_byte(&bytes, settings->proxy_username ? 2 : 1);
	add_byte(&bytes, NO_LOGIN);
	if (settings->proxy_username)
		add_byte(&bytes, LOGIN);
	if (send_all(proxy, &bytes, err) < 0 || receive(proxy, answer, 2, err) < 0)
		return -1;
	if (answer[0] != VERSION)
		return fail(err, ERROR_CATALOG, "it does not speak SOCKS5");
	if (answer[1] == LOGIN && settings->proxy_username)
		return log_in(proxy, settings, err);
	if (answer[1] != NO_LOGIN)
		return fail(err, ERROR_CATALOG,
			"it wants a login: give ssh_proxy_username and ssh_proxy_password");
	return 0;
}

static const char *describe_refusal(int code)
{
	static const char *const words[] = {"", "it failed", "its rules forbid it",
		"the network cannot be reached", "the host cannot be reached", "connection refused",
		"it took too long", "it cannot connect", "it does not know such addresses"};

	return code < (int)(sizeof(words) / sizeof(*words)) ? words[code] : "it refuses";
}

/* The address that the proxy connects from is of no interest. */
static int skip_address(struct proxy *proxy, int kind, struct error *err)
{
	unsigned char bytes[WORD_MOST + 2], length = 0;

	if (kind == ADDRESS_NAME && receive(proxy, &length, 1, err) < 0)
		return -1;
	if (kind == ADDRESS_IPV4)
		length = 4;
	else if (kind == ADDRESS_IPV6)
		length = 16;
	return receive(proxy, bytes, (size_t)length + 2, err);
}

int socks_connect(const struct ssh_settings *settings, const char *host, int port, int fd,
	const struct patience *patience, struct error *err)
{
	struct proxy proxy = {fd, patience};
	CLEANUP(text_clear) struct text bytes = {0};
	const unsigned char start[] = {VERSION, CONNECT, 0, ADDRESS_NAME};
	unsigned char answer[4];

	if (greet(&proxy, settings, err) < 0)
		return -1;
	text_add_bytes(&bytes, start, sizeof(start));
	if (add_word(&bytes, host, "the host's name", err) < 0)
		return -1;
	add_byte(&bytes, port >> 8);
	add_byte(&bytes, port & 0xFF);
	if (send_all(&proxy, &bytes, err) < 0 || receive(&proxy, answer, sizeof(answer), err) < 0)
		return -1;
	if (answer[1] != 0)
		return fail(err, ERROR_TRANSIENT, "%s port %d: %s", host, port,
			describe_refusal(answer[1]));
	return skip_address(&proxy, answer[3], err);
}
