/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * manifest.json of a published version: all that the store knows of it, so that a catalog without its store can be
 * audited, and the store made again from it. The same for every run of the same publication.
 */

#include "reconciler/replacement.h"

struct json *manifest_make(const struct replacement *replacement, const char *closure_text,
	const struct digest *event);

/* Back into a record (without image and phase) and the closure's text (the caller frees). CATALOG: it is none of ours. */
int manifest_read(const struct json *manifest, struct build_record *record, char **closure_text,
	struct error *err);
