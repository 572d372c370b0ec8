/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a run of packer may leave where no sandbox ends it: in a cloud, at a host of machines. The build's journal has it, each
 * line lasting before the run goes on, so whoever kills packer, its worker and the head at once loses none of it:
 *
 *     {"event": "packer", "serial", "state": "begins"}            before packer is started
 *     {"event": "packer", "serial", "state": "says", "text"}      a thing that it makes, as it tells of it
 *     {"event": "packer", "serial", "state": "ends", "trouble", "made": [id]}     it ended by itself; trouble null: and
 *                                                                 removed all that it made but the artifacts
 *
 * reconciler/elsewhere.h reads it.
 */

#include "backends/job.h"

#define PACKER_TRACES_EVENT "packer"

struct packer_traces {
	struct job *job;
	struct strings told; /* lines that the journal has */
	struct text trouble; /* why it cannot have removed all that it made */
};

int packer_traces_begin(struct packer_traces *traces, struct job *job, struct error *err);

/* A LINE of the build at hand: SAID with an arrow, as a step of its own; ERROR: as one. */
int packer_traces_line(
	struct packer_traces *traces, const char *line, bool said, bool error, struct error *err);

/*
 * It ended with CODE; -1: it did not by itself, which the journal then need not say. MADE: the ids of its artifacts that
 * are elsewhere.
 */
int packer_traces_end(
	struct packer_traces *traces, int code, const struct strings *made, struct error *err);
void packer_traces_clear(struct packer_traces *traces);
