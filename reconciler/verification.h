/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether what kiln remembers and what the catalogs hold still agree, and with themselves: everything that can be computed
 * again is, and each difference is a fault. Nothing is changed.
 */

#include "reconciler/head.h"

struct verification {
	struct head *head;
	bool deep; /* artifacts are read and digested too */
	int64_t events, manifests, artifacts;
	struct json *
		faults; /* [{"kind", "where", "expected", "found"}], in the order they were come upon */
};
/* EXPECTED and FOUND may be NULL: nothing was there, or was to be. */
void verification_fault(struct verification *verification, const char *kind, const char *where,
	const char *expected, const char *found);

/* The chain of events; each build, channel and closure against the events that tell of it. */
int verification_store(struct verification *verification, struct error *err);
/* Each catalog that is a folder: manifests, sums and channels against the store, and the other way. */
int verification_catalogs(struct verification *verification, struct error *err);
/* Deep only: each kept download against its digest. */
int verification_downloads(struct verification *verification, struct error *err);
