/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A known_hosts file as sshd(8) describes it: which keys a host has. Hashed names, patterns, "[host]:port", @revoked.
 * Lines of @cert-authority are passed over: libssh2 knows no certificates of hosts. A host at another port than 22 has the
 * keys of "[host]:port", and those of "host" only where that has no line at all, as with ssh(1); what is @revoked for either
 * is.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strings.h"

struct known_host {
	bool revoked;
	char *names;        /* as it is written */
	char *type;         /* "ssh-ed25519" */
	unsigned char *key; /* as it is on the wire */
	size_t key_size;
};

struct known_hosts {
	char *path;
	struct known_host *lines;
	size_t count, room;
};

/* Lines that are none are passed over, as ssh(1) does. Kind CATALOG when it cannot be read. */
int known_hosts_read(const char *path, struct known_hosts *hosts, struct error *err);
void known_hosts_clear(struct known_hosts *hosts);

/*
 * 0: HOST (no brackets) at PORT has this KEY. Kind CATALOG: the key is revoked; it is another one than the file has (said
 * loudly: somebody may be in between); the file has none for the host. The text names the key by its SHA256 fingerprint.
 */
int known_hosts_check(const struct known_hosts *hosts, const char *host, int port,
	const unsigned char *key, size_t key_size, struct error *err);
/* Adds the types of the keys that HOST may have, without those revoked, each once. */
void known_hosts_types(
	const struct known_hosts *hosts, const char *host, int port, struct strings *types);
/* A file of one line, the first key of TYPE that HOST has, without marker and pattern. The caller frees; NULL: it has none. */
char *known_hosts_line(
	const struct known_hosts *hosts, const char *host, int port, const char *type);
