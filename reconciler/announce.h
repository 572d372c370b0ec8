/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the service says of itself while nobody asks: to the journal with its fields (IMAGE=, VERSION=, COMMIT=, PHASE=, BUILD=
 * and a message id), or as lines on standard error where that is no journal.
 */

#include "state/build.h"

enum announcement {
	ANNOUNCE_STARTED,
	ANNOUNCE_STOPPED,
	ANNOUNCE_RELOADED,
	ANNOUNCE_PASS,    /* a repository was looked at and something was done */
	ANNOUNCE_PHASE,   /* a replacement moved on */
	ANNOUNCE_LIVE,    /* a new version is live */
	ANNOUNCE_FAILED,  /* a build failed */
	ANNOUNCE_TROUBLE, /* something is in the way that is no build */
	ANNOUNCE_COUNT
};

struct announced {
	const char *repository, *image;   /* image as REPOSITORY/NAME; NULL: of none */
	const struct build_record *build; /* NULL: of none */
};

/* ABOUT may be NULL. Says nothing before announce_begin: a one-shot answers its client. */
void announce(enum announcement what, const struct announced *about, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void announce_begin(void);
