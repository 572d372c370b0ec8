/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One conversation with the remote: what it has, and the objects that we lack. */

#include "base/error.h"
#include "base/strings.h"
#include "reconciler/git/fetch/login.h"
#include "reconciler/git/source.h"

struct git_repository;
struct session;

/* Starts libgit2, once: what is read is hashed, what is written is lasting, no configuration but a mirror's own counts. */
int session_start(struct error *err);

/*
 * Connects and reads what refs there are. INTO, where objects go, is borrowed; FOLDER is a folder of ours for what libssh2
 * wants in a file.
 */
int session_open(struct login *login, struct git_repository *into, const char *folder,
	struct session **session, struct error *err);
void session_free(struct session *session);
static inline void session_freep(struct session **session)
{
	session_free(*session);
}

/* The full name of the ref that the remote's HEAD names; the caller frees. NULL: it names none, or does not say. */
char *session_head(const struct session *session);
/* It has no refs at all: a new repository. */
bool session_is_empty(const struct session *session);
/* What REF names there; false: it is not there. */
bool session_find(const struct session *session, const char *ref, struct object_id *id);
/* Receives what the REFS need and INTO lacks; moves no ref. REFS that are not there are passed over. */
int session_download(struct session *session, const struct strings *refs, struct error *err);
