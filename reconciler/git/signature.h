/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether somebody whom the operator allows has signed a commit, as git verify-commit finds it out: by ssh-keygen(1) and gpgv(1).
 * The commit's own signature alone counts: that of a tag which names it says nothing.
 */

#include "reconciler/git/source.h"

/* The keys that count; NULL: none of that kind. */
struct signature_rules {
	char *ssh_allowed_signers_file; /* ALLOWED SIGNERS of ssh-keygen(1) */
	char *openpgp_keyring_file;     /* as gpg --export writes it */
};
void signature_rules_clear(struct signature_rules *rules);
/* A signature is asked for. */
bool signature_rules_ask(const struct signature_rules *rules);

/*
 * 1: it has one that RULES accept, and *SIGNER, which the caller frees, says whose (a principal, a user id). 0: it has not, and
 * ERR says why ("it is not signed"). -1: that could not be found out. An SSH key must be valid at the committer's time, an OpenPGP
 * key now. Blocks while up to three programs run, each for seconds at most.
 */
int signature_check(struct source *source, const struct object_id *commit,
	const struct signature_rules *rules, char **signer, struct error *err);
