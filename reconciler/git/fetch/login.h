/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who we are to the remote, and whether the remote is who it should be: the answers to what libgit2 asks while it connects. */

#include <stdbool.h>

#include "base/error.h"
#include "base/redact.h"
#include "reconciler/git/fetch/known_hosts.h"
#include "reconciler/git/fetch/order.h"

struct login {
	const struct fetch_order *order;
	char *user;
	char *secret;     /* password or token; NULL: none */
	char *passphrase; /* NULL: none */
	struct known_hosts hosts;
	struct redactor secrets; /* all of them, for messages */
	unsigned tried;          /* ways to log in that were offered to the remote */
	struct error failure;    /* why a callback said no; ERROR_NONE: none did */
};

/* Reads the files that ORDER's credentials name; ORDER is borrowed. Kind CATALOG: one cannot be read. */
int login_init(struct login *login, const struct fetch_order *order, struct error *err);
void login_clear(struct login *login);
/* There is something that only the remote of the order may see. */
bool login_has_secrets(const struct login *login);

/* libgit2's callbacks are set; LOGIN is their payload. */
struct git_remote_callbacks;
void login_answer(struct login *login, struct git_remote_callbacks *callbacks);
