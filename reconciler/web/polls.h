/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Repositories that kilnd is to look at. Wanting is noting it down; a thread of its own asks kilnd, once for however many
 * wants there were, and as long as kilnd is not there it goes on trying.
 */

#include <stdint.h>

#include "reconciler/web/ask.h"

struct polls;

int polls_start(struct kilnd *kilnd, struct polls **polls, struct error *err);
/* What was not passed on by then is forgotten: kilnd looks by itself when it starts. */
void polls_stop(struct polls *polls);
/* REPOSITORY is the name of a configured one: names are kept. */
void polls_want(struct polls *polls, const char *repository);
/* How many were passed on, and how many wait for it. */
void polls_count(struct polls *polls, int64_t *passed_on, int64_t *waiting);
