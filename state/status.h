/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How every image stands, a page of them at a time: one query where each image by itself would be five. */

#include "base/digest.h"
#include "base/error.h"
#include "state/phase.h"
#include "state/store.h"

/* An image with a build. Texts are borrowed for the call. */
struct image_status {
	int64_t image;
	const char *name;
	bool held;
	/* the newest build */
	enum phase phase;
	struct digest closure;
	const char *error;   /* NULL: none */
	const char *reason;  /* the first; NULL: there is none */
	const char *rules;   /* of its policy, likewise */
	const char *rebuild; /* JSON */
	bool has_failures;   /* some of the image's are remembered */
	/* what `current` names; version 0: nothing */
	int64_t version;
	const char *commit;
	struct digest live_closure;
	int64_t live_usec, confirmed_usec;
};

/*
 * Calls EACH for at most MOST images of REPOSITORY that come after the name AFTER ("": from the first), by name. EACH may ask the store
 * other things.
 */
int statuses_each(struct store *store, int64_t repository, const char *after, int64_t most,
	int (*each)(void *context, const struct image_status *status, struct error *err),
	void *context, struct error *err);
