/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One replacement's next step, decided from what is known of it. A pure step, as planning is: no clock, no store, no
 * process. After a crash the facts are read again, and the same phase goes on.
 */

#include <stdbool.h>

#include "base/error.h"
#include "state/phase.h"

/* What a worker is told to do: backends/kiln-build.c knows each by its name. */
enum job_kind {
	JOB_NONE,
	JOB_BUILD,
	JOB_VALIDATE,
	JOB_COMPARE, /* with a published version, in place of validating */
	JOB_PUBLISH,
	JOB_SWITCH,
	JOB_RETIRE,
	JOB_REMOVE, /* the work folder of what has come to rest */
	JOB_COUNT
};
const char *job_kind_name(enum job_kind job);

enum run_state {
	RUN_NONE, /* no worker was started for it yet */
	RUN_ALIVE,
	RUN_OK,
	RUN_FAILED,
	RUN_DIED, /* without a word */
};

struct replace_facts {
	enum phase phase;
	bool reuses;        /* it builds nothing: a version's artifact is checked again */
	bool has_rules;     /* `validate` says something */
	bool cold;          /* it is built to be compared with a version, and for nothing else */
	bool equals_live;   /* its artifact is the live version's, byte for byte */
	bool ordered;       /* published already: its channels are to be moved */
	bool frozen;        /* no version is to be put in place of another now */
	bool unwanted;      /* a person cancelled it, or a commit made it pointless */
	bool work_left;     /* the work folder is there */
	enum job_kind job;  /* of the worker that was started last */
	enum run_state run; /* and what became of it */
	enum error_kind failure;
	int deaths; /* workers of this job that died */
};

enum replace_order {
	REPLACE_WAIT,
	REPLACE_RUN,        /* start a worker for `job` */
	REPLACE_STOP,       /* ask the worker to end */
	REPLACE_MOVE,       /* to phase `to` */
	REPLACE_THAW,       /* wait until versions may be put in place of others again */
	REPLACE_ORDER_DONE, /* the channels moved as they were ordered to */
	REPLACE_LATER, /* the outside does not let it end: it stays in its phase until the next pass */
	REPLACE_END, /* at rest, nothing is left of it */
	REPLACE_COUNT
};

struct replace_step {
	enum replace_order order;
	enum job_kind job;
	enum phase to;
};

enum { REPLACE_DEATHS_MOST = 3 };

/* What a phase has done for it; JOB_NONE if nothing. */
enum job_kind replace_job(enum phase phase, bool cold);
struct replace_step replace_next(const struct replace_facts *facts);
