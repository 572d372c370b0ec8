/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * `kiln verify --cold`: a version is built once more from its own commit, every step of it, and compared with what is published. Nothing
 * comes of it but the answer: the build is one like others (its row, its log, its limits) that ends unneeded; its policy says `cold`.
 *
 * Where the first such build differs, a second one shows what differs from build to build anyway (host keys, logs): only what both have
 * alike, and the version has not, is a fault.
 */

#include "reconciler/loop.h"
#include "reconciler/verification.h"

/* The version that a build with this POLICY (JSON) is compared with; 0: it is a build like others. */
int64_t cold_version(const char *policy);

/*
 * Begins it for WORD (IMAGE, IMAGE@N, IMAGE@CHANNEL). ANSWER (taken over) is what verification found so far: its "faults" get those of
 * the comparison, and it gets "cold". SETTINGS (taken over) are as those of the apply that built the version.
 */
int cold_begin(struct loop *loop, struct head *head, struct client *client, const char *word,
	struct build_settings *settings, struct json *answer, struct error *err);
