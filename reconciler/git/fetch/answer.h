/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The one line that kiln-fetch says on standard output, and the end of the process with it. libgit2 1.5 has no timeouts and
 * may wait for ever inside a call: then the deadline's signal says the line and ends the process where it stands. The line
 * is written once and whole.
 */

#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

/* What is being waited for, said when time is up. */
enum answer_stage {
	ANSWER_ORDER,
	ANSWER_LOCK,     /* another kiln-fetch has the mirror */
	ANSWER_CHECK,    /* of the mirror */
	ANSWER_REMOTE,   /* its first answer */
	ANSWER_TRANSFER, /* of objects */
	ANSWER_STAGE_COUNT
};

/* Before anything else: signals are caught. */
void answer_start(void);
/* The process ends DEADLINE_SEC from now, with an error of kind TRANSIENT about SHOWN. */
void answer_within(int64_t deadline_sec, const char *shown);
void answer_stage(enum answer_stage stage);

/* VALUE as the line; the exit code. */
int answer_give(const struct json *value);
int answer_fail(const struct error *failure);
