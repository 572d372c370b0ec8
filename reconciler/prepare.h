/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From a replacement and a job to the order that its worker gets; what the job needs is laid out in the build's folder. */

#include "reconciler/replacement.h"
#include "reconciler/repository.h"

/* What building IMAGE takes: the definition behind KEY (the caller frees) and all that it names, at TREE. */
int prepare_inputs(struct repository *repository, const struct object_id *tree, const char *key,
	const char *image, int64_t now_usec, struct definition **definition,
	struct build_inputs *inputs, struct error *err);

/*
 * Errors of kind CONFLICT: what the build was planned from is not so any more (its base moved, its variables are not
 * known), so it must be planned anew.
 */
int prepare_job(
	struct replacement *replacement, enum job_kind job, struct json **order, struct error *err);

/* The channels that name a version of that policy once it is live: {NAME: VERSION, ..., "current": VERSION}. */
struct json *prepare_channels(const struct json *policy, int64_t version);
