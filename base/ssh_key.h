/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Key pairs of SSH, in OpenSSH's own format. Source: OpenSSH 9.2 PROTOCOL.key; RFC 4253 section 6.6, RFC 5656 section 3.1,
 * RFC 8709 section 4.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "base/error.h"

enum ssh_key_type { SSH_KEY_ED25519, SSH_KEY_ECDSA, SSH_KEY_TYPE_COUNT }; /* ecdsa: nistp256 */

struct ssh_key {
	char *private_text; /* a whole private key file */
	char *public_text;  /* a line of authorized_keys, without its end */
};

/* The pair that SEED, which must be secret, leads to: always the same one. COMMENT stands in both files. */
int ssh_key_derive(enum ssh_key_type type, const struct digest *seed, const char *comment,
	struct ssh_key *key, struct error *err);
void ssh_key_clear(struct ssh_key *key);

/* What a private key file holds. */
struct ssh_key_about {
	char type[64]; /* "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256" ... */
	bool encrypted;
	bool is_rsa;
};

/* False if TEXT (OpenSSH's format, or PEM as OpenSSL reads it) is no private key. Of an encrypted PEM the type may be "". */
bool ssh_key_describe(const char *text, size_t size, struct ssh_key_about *about);

enum { SSH_FINGERPRINT_SIZE = 64 };
/* "SHA256:..." of a public key's blob, as ssh-keygen -l shows it. */
const char *ssh_key_fingerprint(
	const void *blob, size_t size, char text[static SSH_FINGERPRINT_SIZE]);
