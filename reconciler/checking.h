/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The programs of one signature_check, run one after the other: with deadlines, and with nobody waiting for them. */

#include "reconciler/git/signature.h"
#include "reconciler/loop.h"

/*
 * Takes over CHECK. OVER is told once, from the loop: RESULT is SIGNATURE_ACCEPTED, SIGNATURE_REFUSED with WHY, or -1 with WHY. The task is
 * gone after that.
 */
void checking_begin(struct loop *loop, struct signature_check *check,
	void (*over)(void *context, int result, const struct error *why), void *context);
/* The same where no loop runs: waits. */
int checking_run(struct signature_check *check, struct error *err);
