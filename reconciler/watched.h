/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One repository that the service keeps its catalog true to. */

#include "reconciler/loop.h"

struct watched;

/* Holds CONFIGURED. Nothing is looked at before watched_look. */
struct watched *watched_new(
	struct loop *loop, struct head *head, struct service_repository *configured);
/* Its pass, if one is under way, is given up; what that builds goes on. */
void watched_free(struct watched *watched);
const char *watched_name(const struct watched *watched);
/* When it was looked at last, into POLL; *PLANNING_USEC becomes how long its last plan took, if that is more. */
void watched_describe(const struct watched *watched, struct json *poll, int64_t *planning_usec);
/* It was looked at, or it is known that it cannot be. */
bool watched_was_looked_at(const struct watched *watched);
/* Something may be new there: a remote is fetched, and then looked at. */
void watched_poll(struct watched *watched);
/* Soon; WHOLE: every image is planned, whether the commit is another one or not. */
void watched_look(struct watched *watched, bool whole);
