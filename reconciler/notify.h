/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Telling people what became of images, as the operator says (`notify` of service.json): a signed POST, or a command. It is
 * written into the ledger first, tried again with growing pauses for a day, also by the next daemon, and nothing waits for it.
 */

#include "reconciler/loop.h"

struct notice {
	const char *event;                /* "live", "failed", "blocked", "recovered" */
	const char *repository, *image;   /* image without its repository */
	const struct build_record *build; /* NULL: of none */
	const char *text;
};

/* Does nothing in a one-shot. That it cannot be written down is announced, no more. */
void notify(struct head *head, const struct notice *notice);
/* What an earlier daemon did not get delivered. */
int notify_resume(struct head *head, struct error *err);
