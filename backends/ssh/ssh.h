/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The communicator `ssh`, by libssh2 over sockets that never block: every wait obeys the job's end, the step's deadline and
 * its own limits. Source: Packer 1.6.6 helper/communicator and communicator/ssh.
 */

#include "backends/communicator.h"
#include "base/strings.h"

/* Who we are to a host. */
struct ssh_identity {
	char *username;
	char *password; /* NULL: none; it also answers every keyboard-interactive prompt */
	struct strings
		private_keys; /* whole key files, tried in this order, those of RSA behind all others */
	bool agent;           /* the keys of the agent at $SSH_AUTH_SOCK */
	bool no_interactive; /* keyboard-interactive is not tried */
};

struct ssh_host {
	char *host;
	int port;
	struct ssh_identity identity;
	/*
	 * The host's key, as known_hosts has it without the names ("ssh-ed25519 AAAA...") or as a fingerprint
	 * ("SHA256:..."). NULL: the first that is seen is remembered until the communicator is closed.
	 */
	char *host_key;
};

/* PORT:HOST:TO_PORT: what listens at PORT leads to HOST port TO_PORT on the other side. */
struct ssh_tunnel {
	int port, to_port;
	char *host;
};
struct ssh_tunnels {
	struct ssh_tunnel *items;
	size_t count, room;
};

struct ssh_settings {
	struct ssh_host target;
	struct ssh_host bastion; /* host NULL: none */
	char *proxy_host;        /* SOCKS5; NULL: none; not together with a bastion */
	int proxy_port;
	char *proxy_username, *proxy_password; /* NULL: none */
	int handshake_attempts;                /* so many refused logins are final */
	int64_t timeout_nsec;    /* of connecting, all attempts together; also of a reconnect */
	int64_t pause_nsec;      /* behind the first connection; then it connects anew */
	int64_t keep_alive_nsec; /* between two signs of life; 0 or less: none */
	int64_t read_write_timeout_nsec; /* without one byte in either direction; 0: for ever */
	bool pty;
	bool sftp;       /* files go by sftp, not by scp */
	char *ciphers;   /* "aes128-ctr,..." in the order of preference; NULL: libssh2's */
	char *exchanges; /* key exchange algorithms; NULL: libssh2's */
	struct ssh_tunnels local_tunnels; /* from 127.0.0.1 here to what the host reaches */
	struct ssh_tunnels
		remote_tunnels; /* from the host's own loopback to what this machine reaches */
	bool alone; /* this process does nothing else: a name may be looked up for as long as it takes */
};

/*
 * From the decoded options of a builder (the group options_communicator), whose keys are files of the job; what is not given
 * gets Packer's default. What a builder finds out itself (target.host, target.port, a key of its own) it sets afterwards; all of
 * it is on the heap and cleared with the rest. Kind CATALOG: a key that cannot be read.
 */
int ssh_settings_read(struct job *job, const struct json *options, struct ssh_settings *settings,
	struct error *err);
void ssh_settings_clear(struct ssh_settings *settings);
/*
 * Connects, again and again until settings->timeout_nsec is over. SETTINGS are borrowed as long as the communicator lives; its
 * close ends it. Kinds: TRANSIENT: nobody answers in time; CATALOG: the login is refused, a host's key is another than
 * before, a key is of no use; CONFLICT: cancelled.
 */
int ssh_open(struct job *job, const struct ssh_settings *settings,
	struct communicator **communicator, struct error *err);
/* The host's key as known_hosts has it, for a later ssh_open's target.host_key. Borrowed until the communicator is closed. */
const char *ssh_host_key(const struct communicator *communicator);
