/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The journey of one version: what the store says of it, and what is known of its worker. The parts that act on it are
 * replace.c (which step is next), prepare.c (a worker's order), settle.c (what a finished step changes in the store)
 * and loop.c (which drives them).
 */

#include "reconciler/head.h"
#include "reconciler/worker.h"

struct task;
struct sd_event_source;

struct replacement {
	struct head *head;
	struct build_record build;
	struct repository_record repository;
	char *image;     /* its name */
	char *full_name; /* REPOSITORY/NAME, as events have it */
	struct json *policy;
	int64_t cold; /* the version that it is built to be compared with (cold.h); 0: it is a build like others */
	/*
	 * A published version whose channels are to move: {"why", "channels": {NAME: N}, "publish": [catalog], "quarantine":
	 * [N]}, written into the ledger before anything moves. NULL: none is.
	 */
	struct json *ordered;
	int64_t ledger; /* its entry */
	const struct build_settings
		*settings; /* of the apply that wanted it; borrowed, NULL: none */
	struct worker_run run;
	struct json *journal; /* as it was when the worker ended */
	char *unwanted;       /* why it is to be cancelled; NULL: it is not */
	bool later;           /* it rests in its phase until the next pass */
	struct error failure; /* why, and why it failed */

	/* the loop's */
	struct task *task; /* who waits for it; NULL: nobody */
	bool asked_to_stop;
	int said; /* what its worker says on standard error; -1: none */
	struct child
		*worker; /* that runs, as far as the loop has not heard of its end; NULL: none */
	struct sd_event_source *overdue;
	struct sd_event_source *thaw; /* it waits for the end of a freeze */
	bool frozen;                  /* that is why it is `later` */
	struct replacement *next;
};

/* Takes over BUILD. An image that the store does not know is an error. */
int replacement_new(struct head *head, struct build_record *build, struct replacement **replacement,
	struct error *err);
void replacement_free(struct replacement *replacement);
/* The ledger's order for it, which it takes over. */
void replacement_set_order(struct replacement *replacement, int64_t ledger, struct json *ordered);

/* "STATE/builds/BUILD"; the caller frees. */
char *replacement_folder(const struct replacement *replacement);
/* What replace_next is to know. */
int replacement_facts(
	struct replacement *replacement, struct replace_facts *facts, struct error *err);
