/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One thing that a person asked to be done with one image: it waits until nothing else is under way there, is done, and
 * the client hears how it went.
 */

#include "reconciler/loop.h"
#include "state/image.h"

struct errand {
	struct task task; /* first: tasks are errands */
	struct head *head;
	struct image_record image;
	char *full_name;  /* as events have it */
	char *shown_name; /* as catalogs have it */
	int64_t version;  /* what it is about, as the verb has it; 0: nothing */
	char *word;       /* likewise */
	char *build;      /* it is about that build alone; NULL: about all that is under way */
	bool cancels;     /* builds of the image that are not published yet are given up for it */
	bool begun, failed;
	/* Does it; replacements that it adds for the task are waited for. May be NULL: waiting is all. */
	int (*act)(struct loop *loop, struct errand *errand, struct error *err);
};

/*
 * Takes over IMAGE, WHAT->word and WHAT->build. WHAT gives head, version, word, build, cancels and act. What a head before this one left of
 * the image is taken up first.
 */
int errand_begin(struct loop *loop, struct client *client, struct image_record *image,
	const struct errand *what, struct error *err);
/* One line for the client, in apply's form. */
void errand_say(struct errand *errand, const struct build_record *build, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
