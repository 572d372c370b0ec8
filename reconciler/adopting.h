/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Versions that a catalog has and a new store does not know: their manifests are enough to remember them again, so a
 * store that was lost costs a rebuild of nothing, and no number is given twice.
 */

#include "reconciler/repository.h"

/* Called once, for a repository that was just registered; *ADOPTED counts versions. */
int adopting_read(struct repository *repository, size_t *adopted, struct error *err);
