/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the store adds up to: for metrics and for pictures, where a row for each would be too much. */

#include <stdint.h>

#include "base/error.h"
#include "state/phase.h"
#include "state/store.h"

struct figures {
	int64_t newest[PHASE_COUNT]; /* images, by the phase of their newest build */
	int64_t builds[PHASE_COUNT]; /* every build there ever was */
	int64_t timed[PHASE_COUNT];  /* those of them that began and ended */
	int64_t usec[PHASE_COUNT];   /* and what they took together */
	int64_t held;                /* images */
	int64_t events;
};
int figures_read(struct store *store, struct figures *figures, struct error *err);

/* A live version. Texts are borrowed for the call. */
struct live_version {
	const char *repository, *image;
	int64_t version;
	int64_t confirmed_usec; /* a build last gave it */
	const char *bases;      /* JSON, as the build has it */
};
/* Calls EACH for every live version, or with REPOSITORY (may be NULL) for those of one. EACH asks the store nothing. */
int live_versions_each(struct store *store, const char *repository,
	void (*each)(void *context, const struct live_version *live), void *context,
	struct error *err);
