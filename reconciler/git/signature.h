/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether somebody whom the operator allows has signed a commit, as git verify-commit finds it out: by ssh-keygen(1) and gpgv(1).
 * The commit's own signature alone counts: that of a tag which names it says nothing.
 */

#include "base/process.h"
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
 * A commit's signature while it is being looked at: what is to be run for it, and what that said. It starts no program itself and waits
 * for nothing.
 */
struct signature_check;

enum signature_state {
	SIGNATURE_REFUSED,
	SIGNATURE_ACCEPTED,
	SIGNATURE_ASKS, /* a program is to be run */
};

/*
 * Reads the signature of COMMIT. ASKS: *CHECK, which the caller frees, says what to run. REFUSED: ERR says why ("it is not signed").
 * -1: that could not be found out. An SSH key must be valid at the committer's time, an OpenPGP key now.
 */
int signature_begin(struct source *source, const struct object_id *commit,
	const struct signature_rules *rules, struct signature_check **check, struct error *err);
/* What is to be run, but for where its output and errors go; borrowed until the next call. */
int signature_program(
	struct signature_check *check, struct process_options *options, struct error *err);
/* The program ended with CODE (128 + a signal that killed it; 127: it could not be started) and SAID that; further as signature_begin, for a few programs at most. */
int signature_ran(
	struct signature_check *check, int code, const struct text *said, struct error *err);
/* Of whom the accepted one is: a principal, a user id. */
const char *signature_signer(const struct signature_check *check);
void signature_check_free(struct signature_check *check);

static inline void signature_check_freep(struct signature_check **check)
{
	signature_check_free(*check);
}
