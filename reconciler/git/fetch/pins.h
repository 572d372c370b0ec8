/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Commits that must stay in a mirror whatever its remote does: refs/kiln/pins/COMMIT names each. */

#include "base/error.h"
#include "base/strings.h"
#include "reconciler/git/fetch/mirror.h"

/* MIRROR's pins are not those of PINS, as far as it has them, or one of them names another commit than it says. */
bool pins_differ(struct mirror *mirror, const struct strings *pins);
/* Makes them so. */
int pins_set(struct mirror *mirror, const struct strings *pins, struct error *err);
/* Adds those that it does not have. */
void pins_missing(struct mirror *mirror, const struct strings *pins, struct strings *missing);
/*
 * Copies what PINS need and MIRROR lacks from the objects of the one at BROKEN, whatever else of it is broken. A remote that
 * was force-pushed has them no more. What cannot be read stays missing.
 */
void pins_rescue(struct mirror *mirror, const char *broken, const struct strings *pins);
