/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A run of `packer build`, as it tells of it: what it says goes to the job's log under the step that it belongs to; its
 * artifacts, its errors and whether a build began are kept.
 */

#include "backends/job.h"
#include "backends/packer/lines.h"
#include "backends/packer/traces.h"

struct packer_artifact {
	char *target; /* its build */
	char *builder_id, *id, *text;
	struct strings files; /* as it names them */
};

struct packer_report {
	struct job *job;
	struct packer_lines lines;
	bool began; /* the build at hand said something: the template and its variables are read */
	int64_t announced; /* artifacts, by its own count */
	struct packer_artifact *artifacts;
	size_t count, room;
	struct text errors;          /* of builds */
	struct text said;            /* the last that it said as errors, for want of these */
	size_t garbage, cut;         /* lines that are none, records that were too long */
	size_t provisioner;          /* that is at work, from 1; 0: none yet */
	int64_t parts;               /* of its scripts or files, that have begun */
	char step[128];              /* the log's */
	struct packer_traces traces; /* what it may leave elsewhere */
};

void packer_report_init(struct packer_report *report, struct job *job);
void packer_report_clear(struct packer_report *report);

/* The sink of sandbox_run; CONTEXT is the report. Error (CATALOG) if it tells of more than any build makes. */
int packer_report_add(
	void *context, enum log_stream stream, const char *bytes, size_t size, struct error *err);
/* It ended: what it left unfinished counts, and what was strange is said. */
int packer_report_end(struct packer_report *report, struct error *err);
/* The ids of its artifacts that have no files here. */
void packer_report_list_elsewhere(const struct packer_report *report, struct strings *ids);
/* Why it failed, in its own words; "" if it did not say. One line, borrowed. */
const char *packer_report_failure(const struct packer_report *report);
