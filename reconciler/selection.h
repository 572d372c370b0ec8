/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a request is about: the repositories, and which of their images it names. */

#include "reconciler/repository.h"

struct selected {
	char *place;          /* for repository_open */
	struct strings names; /* images; none: all */
};

struct selection {
	struct selected *items;
	size_t count, room;
};
void selection_clear(struct selection *selection);

/*
 * NAMED is the request's REPO (may be NULL), NAMES its images, each NAME or REPOSITORY/NAME. Without NAMED: the
 * configured repositories, else the one around FOLDER. A name that several repositories have is an error, as is one that
 * none has; a repository in which nothing is named is left out.
 */
int selection_make(struct head *head, const char *named, const char *folder,
	const struct strings *names, struct selection *selection, struct error *err);
