/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/ssh/link.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <libssh2.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/ssh_key.h"

/* ---- waiting ---- */

/* It was read while something else was done. */
bool link_has_more(const struct link *link)
{
	unsigned long available = 0;

	if (wire_has_more(link))
		return true;
	if (link->tunnel)
		libssh2_channel_window_read_ex(link->tunnel, &available, NULL);
	return available > 0 || (link->outer && link_has_more(link->outer));
}

static struct link *outermost(struct link *link)
{
	while (link->outer)
		link = link->outer;
	return link;
}

/* Of two sessions the outer one says it. Nothing is said while a packet waits for room: libssh2 would mix them up. */
void link_keep_alive(struct link *link)
{
	int next;

	link = outermost(link);
	if (link->settings->keep_alive_nsec > 0 && !wire_is_full(link) &&
		!(libssh2_session_block_directions(link->session) & LIBSSH2_SESSION_BLOCK_OUTBOUND))
		libssh2_keepalive_send(link->session, &next);
}

int link_wait(struct link *link, struct error *err)
{
	int64_t idle_usec = link->settings->read_write_timeout_nsec / 1000;
	short got;

	wire_flush(link); /* an error shows in what libssh2 does next */
	wire_look(link);
	if (link_has_more(link) && patience_check(&link->patience, err) == 0)
		return 0;
	short events = POLLIN | (wire_is_full(outermost(link)) ? POLLOUT : 0);
	if (patience_wait(&link->patience, link->fd, events, &got, err) < 0) {
		link->dead = true; /* whatever was under way on it is half done */
		return -1;
	}
	if ((got & POLLIN) && link->greeted_limit_usec) {
		link->patience.limit_usec = link->greeted_limit_usec;
		link->greeted_limit_usec = 0;
	}
	if (got) {
		link->moved_usec = moment_elapsed_usec();
		return 0;
	}
	if (idle_usec && moment_elapsed_usec() - link->moved_usec > idle_usec) {
		link->dead = true;
		return fail(err, ERROR_TRANSIENT,
			"%s: not a byte within ssh_read_write_timeout (%lld ms)", link->name,
			(long long)idle_usec / 1000);
	}
	link_keep_alive(link);
	return 0;
}

const char *link_last_error(struct link *link)
{
	char *text = NULL;

	libssh2_session_last_error(link->session, &text, NULL, 0);
	return text && *text ? text : "no reason given";
}

static bool is_lost(long code)
{
	return code == LIBSSH2_ERROR_SOCKET_SEND || code == LIBSSH2_ERROR_SOCKET_RECV ||
	       code == LIBSSH2_ERROR_SOCKET_DISCONNECT || code == LIBSSH2_ERROR_SOCKET_NONE ||
	       code == LIBSSH2_ERROR_BAD_SOCKET || code == LIBSSH2_ERROR_PROTO ||
	       code == LIBSSH2_ERROR_DECRYPT || code == LIBSSH2_ERROR_INVALID_MAC ||
	       code == LIBSSH2_ERROR_SOCKET_TIMEOUT || code == LIBSSH2_ERROR_TIMEOUT ||
	       code == LIBSSH2_ERROR_BAD_USE;
}

int link_failed(struct link *link, long code, const char *what, struct error *err)
{
	if (code == LIBSSH2_ERROR_EAGAIN)
		return -1;
	if (is_lost(code)) {
		link->dead = true;
		return fail(err, ERROR_TRANSIENT, "%s: %s: the connection is lost (%s)", link->name,
			what, link_last_error(link));
	}
	return fail(err, ERROR_TRANSIENT, "%s: %s: %s", link->name, what, link_last_error(link));
}

/* ---- the host's key ---- */

static const char *name_of_key(int type)
{
	static const char *const names[] = {[LIBSSH2_HOSTKEY_TYPE_RSA] = "ssh-rsa",
		[LIBSSH2_HOSTKEY_TYPE_DSS] = "ssh-dss",
		[LIBSSH2_HOSTKEY_TYPE_ECDSA_256] = "ecdsa-sha2-nistp256",
		[LIBSSH2_HOSTKEY_TYPE_ECDSA_384] = "ecdsa-sha2-nistp384",
		[LIBSSH2_HOSTKEY_TYPE_ECDSA_521] = "ecdsa-sha2-nistp521",
		[LIBSSH2_HOSTKEY_TYPE_ED25519] = "ssh-ed25519"};

	return type > 0 && type < (int)(sizeof(names) / sizeof(*names)) ? names[type] : "unknown";
}

/* LINE's first two words are those of WANTED, or its fingerprint is. */
static bool is_same_key(const char *line, const char *fingerprint, const char *wanted)
{
	size_t size = strlen(line);

	if (text_starts_with(wanted, "SHA256:"))
		return strcmp(wanted, fingerprint) == 0;
	return strncmp(line, wanted, size) == 0 && (!wanted[size] || wanted[size] == ' ');
}

static int check_host_key(struct link *link, struct known_host *known, struct error *err)
{
	size_t size;
	int type;
	const char *blob = libssh2_session_hostkey(link->session, &size, &type);
	char fingerprint[SSH_FINGERPRINT_SIZE];

	if (!blob)
		return fail(err, ERROR_TRANSIENT, "%s shows no host key", link->name);
	autofree char *encoded = base64_encode((const unsigned char *)blob, size);
	autofree char *line = memory_printf("%s %s", name_of_key(type), encoded);
	ssh_key_fingerprint(blob, size, fingerprint);
	if (link->host->host_key && !is_same_key(line, fingerprint, link->host->host_key))
		return fail(err, ERROR_CATALOG,
			"the host key of %s (%s %s) is not the one that it must have: this is "
			"another "
			"machine, or somebody stands between",
			link->name, name_of_key(type), fingerprint);
	if (known->line && strcmp(line, known->line) != 0)
		return fail(err, ERROR_CATALOG,
			"the host key of %s changed within the build (now %s %s): this is another "
			"machine, or somebody stands between, or a step made new host keys",
			link->name, name_of_key(type), fingerprint);
	if (!known->line)
		build_log_say(&link->patience.communicator->job->log, "the host key of %s is %s %s",
			link->name, name_of_key(type), fingerprint);
	if (!known->line)
		known->line = TAKE(line);
	return 0;
}

/* ---- opening and closing ---- */

static int prefer(
	struct link *link, int method, const char *list, const char *option, struct error *err)
{
	if (!list || libssh2_session_method_pref(link->session, method, list) == 0)
		return 0;
	return fail(err, ERROR_CATALOG, "%s: libssh2 knows none of %s", option, list);
}

/* AES in counter mode with 128 bits is what libssh2 is fastest with. */
static int set_preferences(struct link *link, struct error *err)
{
	const struct ssh_settings *settings = link->settings;
	const char *ciphers = settings->ciphers
	                              ? settings->ciphers
	                              : "aes128-ctr,aes192-ctr,aes256-ctr,aes128-cbc,aes256-cbc";

	if (prefer(link, LIBSSH2_METHOD_KEX, settings->exchanges, "ssh_key_exchange_algorithms",
		    err) < 0 ||
		prefer(link, LIBSSH2_METHOD_CRYPT_CS, ciphers, "ssh_ciphers", err) < 0)
		return -1;
	return prefer(link, LIBSSH2_METHOD_CRYPT_SC, ciphers, "ssh_ciphers", err);
}

static int shake_hands(struct link *link, struct known_host *known, struct error *err)
{
	if (wire_open(link, err) < 0 || set_preferences(link, err) < 0)
		return -1;
	libssh2_session_set_blocking(link->session, 0);
	long code = LINK_TRY(link, err, libssh2_session_handshake(link->session, link->fd));
	if (code == LIBSSH2_ERROR_KEX_FAILURE || code == LIBSSH2_ERROR_METHOD_NONE)
		return fail(err, ERROR_CATALOG,
			"%s and libssh2 have no algorithm in common: the host needs a key of "
			"ed25519 or "
			"ecdsa, a cipher aes*-ctr and a MAC hmac-sha2-256 (see ssh_ciphers and "
			"ssh_key_exchange_algorithms)",
			link->name);
	if (code < 0)
		return link_failed(link, code, "the SSH handshake", err);
	if (link->settings->keep_alive_nsec > 0)
		libssh2_keepalive_config(link->session, 0,
			(unsigned)(link->settings->keep_alive_nsec / 1000000000 + 1));
	return check_host_key(link, known, err);
}

struct link *link_open(const struct ssh_settings *settings, const struct ssh_host *host, int fd,
	struct link *outer, struct known_host *known, const struct patience *patience,
	int64_t greeting_usec, struct error *err)
{
	struct link *link = memory_new(sizeof(*link));

	*link = (struct link){.settings = settings,
		.host = host,
		.patience = *patience,
		.greeted_limit_usec = patience->limit_usec,
		.fd = outer ? outer->fd : fd,
		.outer = outer,
		.moved_usec = moment_elapsed_usec()};
	snprintf(link->name, sizeof(link->name), "%s port %d", host->host, host->port);
	if (greeting_usec < link->patience.limit_usec)
		link->patience.limit_usec = greeting_usec;
	libssh2_init(0);
	link->session = libssh2_session_init_ex(NULL, NULL, NULL, link);
	if (!link->session)
		error_set(err, ERROR_RESOURCE, "libssh2 gives no session");
	else if (shake_hands(link, known, err) == 0)
		return link;
	link_close(link);
	return NULL;
}

/* A goodbye in passing: nobody waits for it. */
static void say_goodbye(struct link *link)
{
	if (link->dead || !link->wire)
		return;
	libssh2_session_disconnect(link->session, "done");
	wire_flush(link);
}

void link_close(struct link *link)
{
	if (!link)
		return;
	if (link->session) {
		say_goodbye(link);
		if (!link->outer)
			shutdown(link->fd, SHUT_RDWR);
		wire_cut(link);
		while (libssh2_session_free(link->session) == LIBSSH2_ERROR_EAGAIN)
			;
	}
	if (link->outer)
		link_close(link->outer);
	else if (link->fd >= 0)
		close(link->fd);
	free(link->wire);
	free(link);
}
