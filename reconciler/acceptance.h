/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether a commit may decide anything. Where the operator asks for signatures (repositories[].verify), one without an acceptable
 * one changes nothing: its images are blocked, and what was there goes on. Programs find that out, and the loop does not wait for them:
 * who is told that an answer is on its way asks once more when it is there.
 */

#include "reconciler/repository.h"

struct task;

/*
 * 1: it may. 0: it may not, and ERR says why, with the commit. -1: that could not be found out, or (acceptance_is_coming) not yet.
 * Answers are remembered as long as the process and the operator's files stay the same; where no loop runs they are waited for.
 */
int acceptance_check(
	struct repository *repository, const struct object_id *commit, struct error *err);
/* ERR came of an acceptance_check whose answer will be there after acceptance_wait. */
bool acceptance_is_coming(const struct head *head, const struct error *err);

/*
 * Calls AGAIN, once, when an answer that is under way now has come. CLIENT (may be NULL) is who waits for it: NULL for AGAIN if he is gone
 * by then. The task lives until then.
 */
struct task *acceptance_wait(struct head *head, struct client *client,
	void (*again)(void *context, struct client *client), void *context);
/* AGAIN is not called. */
void acceptance_stop_waiting(struct task *task);
