/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Builders, provisioners and post-processors: each a driver, one file that ends in one const struct; drivers.c lists them. */

#include "backends/artifact.h"
#include "backends/communicator.h"
#include "backends/plugin.h"

/* One provisioner of an order. */
struct step {
	size_t index;
	const struct json *about; /* as the order has it */
	const struct json *options;
	const struct provisioner *provisioner;
	char label[128]; /* "provisioner 1 (shell)" */
	struct digest digest;
	bool open, keep;
	int64_t max_age_sec;
	int64_t pause_before_nsec, timeout_nsec, max_retries;
};

struct steps {
	struct step *items;
	size_t count;
	struct step *cleanup; /* error-cleanup-provisioner, or NULL */
};

struct builder {
	const struct plugin *plugin;
	/* Makes the artifact in the job's tree/, running STEPS on the way. The caller frees *ARTIFACT. */
	int (*build)(struct job *job, const struct json *options, const struct steps *steps,
		struct artifact **artifact, struct error *err);
};

struct provisioner {
	const struct plugin *plugin;
	bool local; /* it works on this machine: COMMUNICATOR may be NULL, and no layer comes of it */
	/* What it does with these options leaves the image as it is (a download). May be NULL. */
	bool (*only_reads)(const struct json *options);
	int (*provision)(struct job *job, const struct json *options,
		struct communicator *communicator, struct error *err);
};

/* What a post-processor makes of an artifact, and whether it wants the old one to stay. Source: Packer 1.6.6 packer/build.go. */
struct post_result {
	struct artifact *artifact; /* NULL: none, the sequence ends; otherwise the caller's */
	bool keep;                 /* the default of keep_input_artifact */
	bool force;                /* the template cannot say no to it */
};
struct post_processor {
	const struct plugin *plugin;
	bool touches; /* it may change files that are there already */
	int (*process)(struct job *job, const struct json *options, const struct artifact *input,
		struct post_result *result, struct error *err);
};

const struct builder *builder_find(const char *type);
const struct provisioner *provisioner_find(const char *type);
const struct post_processor *post_processor_find(const char *type);

/* All three lists, NULL-terminated: for the test that walks them. */
extern const struct builder *const builders[];
extern const struct provisioner *const provisioners[];
extern const struct post_processor *const post_processors[];

/*
 * Runs one step with its pause, timeout and, for what has no fresh start of its own, its retries. Errors carry the step's
 * label; their class says whether the step reaches the outside.
 */
int step_run(struct job *job, const struct step *step, struct communicator *communicator,
	struct error *err);
/* What a builder that can go on from the middle wants of steps_run. */
struct steps_observer {
	size_t first; /* steps before it ran already; of these only local ones are run */
	/* Behind each step that changed the image; -1 ends the run. */
	int (*done)(void *context, const struct step *step, struct error *err);
	void *context;
};
/*
 * All steps in their order on one machine, each with its retries; after one that failed, error-cleanup-provisioner. COMMUNICATOR may be
 * NULL: then only local steps can run. OBSERVER may be NULL.
 */
int steps_run(struct job *job, const struct steps *steps, struct communicator *communicator,
	const struct steps_observer *observer, struct error *err);
/* Notes in the journal HOW ("done", "reused") the step came about, and how long that took. */
int step_note(
	struct job *job, const struct step *step, const char *how, int64_t usec, struct error *err);
/* It runs on this machine, or only takes something out of the image. */
bool step_leaves_image(const struct step *step);
/* The class of a failed step: of an open one it may pass, of any other only a commit helps. */
void step_classify(const struct step *step, struct error *err);
int steps_read(struct job *job, struct steps *steps, struct error *err);
void steps_clear(struct steps *steps);

/* ---- what a step or post-processor sees when it runs ---- */

/* The data of {{.X}} at run time: {"BuildName", "BuilderType", "PackerRunUUID", ...}. The caller frees. */
struct json *job_data(const struct job *job);
/* Renders again and again until nothing changes, as Packer does at run time, with DATA as '.'. Appends to OUT. */
int job_render(const char *template, const struct json *data, struct text *out, struct error *err);
