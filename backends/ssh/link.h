/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to backends/ssh: one SSH connection, and waiting for it. */

#include <sys/types.h>

#include "backends/ssh/ssh.h"

struct _LIBSSH2_SESSION;
struct _LIBSSH2_CHANNEL;

/* Who waits, for what, until when. */
struct patience {
	struct communicator *communicator;
	int64_t limit_usec; /* CLOCK_MONOTONIC; 0: none */
	const char *what;   /* "connecting", for the error of a limit */
};
/* Until FD has one of EVENTS (poll's) or a tenth of a second is over. -1 if the wait is over: ERR tells why. */
int patience_wait(
	const struct patience *patience, int fd, short events, short *got, struct error *err);
/* -1 if the wait is over. */
int patience_check(const struct patience *patience, struct error *err);
/* Sleeps. */
int patience_sleep(const struct patience *patience, int64_t usec, struct error *err);

/* What is remembered of a host over connections. */
struct known_host {
	char *line; /* "ssh-ed25519 AAAA..."; NULL: not seen yet */
};

struct link {
	const struct ssh_settings *settings;
	const struct ssh_host *host;
	char name[300]; /* "HOST port PORT" */
	struct patience patience;
	int64_t greeted_limit_usec; /* patience's limit as soon as the other side said anything; 0: it has */
	int fd;
	struct _LIBSSH2_SESSION *session;
	struct link *outer;              /* the bastion's; owned */
	struct _LIBSSH2_CHANNEL *tunnel; /* through it */
	struct wire *wire;
	int64_t moved_usec; /* when bytes moved last */
	bool dead;          /* the connection is lost */
	bool rsa_refused;
};

/*
 * dial.c: a TCP connection, through the proxy where there is one. -1 and kind TRANSIENT: not now; CATALOG: never.
 */
int dial(const struct ssh_settings *settings, const char *host, int port,
	const struct patience *patience, struct error *err);
/* socks.c: asks the SOCKS5 proxy behind FD for a connection. Source: RFC 1928, RFC 1929. */
int socks_connect(const struct ssh_settings *settings, const char *host, int port, int fd,
	const struct patience *patience, struct error *err);

/*
 * link.c: over FD, which it takes over, or through OUTER, which it takes over too: handshake and the host's key, not yet the login.
 * Until GREETING_USEC the other side must have said anything. NULL on failure. ERROR_CATALOG: the key changed.
 */
struct link *link_open(const struct ssh_settings *settings, const struct ssh_host *host, int fd,
	struct link *outer, struct known_host *known, const struct patience *patience,
	int64_t greeting_usec, struct error *err);
void link_close(struct link *link); /* NULL is fine */
/* A sign of life, if it is time for one. */
void link_keep_alive(struct link *link);
/* What came and nobody read yet, though no socket tells. */
bool link_has_more(const struct link *link);
/* Until libssh2 may go on with what it was doing. */
int link_wait(struct link *link, struct error *err);
/* CODE of a libssh2 call that failed becomes ERR: "WHAT: ...". -1. Notes whether the connection is lost. */
int link_failed(struct link *link, long code, const char *what, struct error *err);
/* libssh2's last error of the session. */
const char *link_last_error(struct link *link);

/* ---- wire.c: what the session of a link reads from and writes to ---- */

/* Through a tunnel of LINK->outer, where there is one. */
int wire_open(struct link *link, struct error *err);
/* Sends what waits; -EAGAIN: not all of it, another negative errno: the connection is lost. */
int wire_flush(struct link *link);
bool wire_is_full(const struct link *link); /* something waits to be sent */
bool wire_has_more(
	const struct link *link); /* something was received that libssh2 did not ask for yet */
/* From now on no call of libssh2's wants to wait. */
void wire_cut(struct link *link);
/* The next reads really look: somebody waits. */
void wire_look(struct link *link);

/* auth.c: logs in. Kind CATALOG: it is refused. */
int link_login(struct link *link, struct error *err);

/*
 * agent.c: tries the agent's keys one after the other, those of RSA or all others. What was tried goes to TRIED. 1: logged
 * in, 0: with none of them, -1: ERR.
 */
int agent_login(struct link *link, bool rsa, struct strings *tried, struct error *err);

/*
 * Repeats CALL while libssh2 says EAGAIN. Its value; LIBSSH2_ERROR_EAGAIN itself if the wait is over, and then ERR tells
 * why: link_failed leaves it alone.
 */
#define LINK_TRY(link, err, call)                                                            \
	({                                                                                   \
		ssize_t try_;                                                                \
		while ((try_ = (call)) == LIBSSH2_ERROR_EAGAIN && link_wait(link, err) == 0) \
			;                                                                    \
		try_;                                                                        \
	})
/* The same for a call that gives a pointer; NULL on failure, and *CODE is the reason. */
#define LINK_TRY_POINTER(link, err, code, call)                                    \
	({                                                                         \
		__typeof__(call) try_;                                             \
		*(code) = 0;                                                       \
		while (!(try_ = (call)) &&                                         \
			(*(code) = libssh2_session_last_errno((link)->session)) == \
				LIBSSH2_ERROR_EAGAIN &&                            \
			link_wait(link, err) == 0)                                 \
			;                                                          \
		try_;                                                              \
	})
