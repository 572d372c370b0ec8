/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who signed in with the token. A session is a random id, in memory alone: ending kiln-web ends them all. */

#include "reconciler/web/http.h"

struct sessions;

struct sessions *sessions_new(void);
void sessions_free(struct sessions *sessions);

/* A new one; its id goes to ID. The one that was quiet for the longest time makes room. */
void sessions_open(struct sessions *sessions, char id[static SESSION_TEXT_SIZE]);
void sessions_close(struct sessions *sessions, const char *id);
/* Fills in request->signed_in and what belongs to it, if ID is one that is open. */
void sessions_find(struct sessions *sessions, const char *id, struct request *request);

/* What is to be shown once, on the next page. Takes over TEXT. */
void sessions_tell(struct sessions *sessions, const char *id, char *text);
/* NULL if there is nothing; the caller frees. */
char *sessions_told(struct sessions *sessions, const char *id);
