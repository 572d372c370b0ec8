/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Commits that must stay in a mirror whatever its remote does. refs/kiln/pins/OWNER/COMMIT names each; OWNER is a digest of
 * the order's pins_of. A mirror may be of another repository for a while, because of a wrong url or for ever because of a new
 * one: what that pins comes and goes, and the pins of other owners stay. Nothing but a person removes those
 * (git update-ref -d).
 */

#include "base/error.h"
#include "base/strings.h"
#include "reconciler/git/fetch/mirror.h"
#include "reconciler/git/fetch/order.h"

#define PINS_PREFIX "refs/kiln/pins/"

/* Where those of OWNER are, "refs/kiln/pins/OWNER/"; the caller frees. */
char *pins_folder(const char *owner);

/* MIRROR's pins are not those of ORDER, as far as it has them, or one of them names another commit than it says. */
bool pins_differ(struct mirror *mirror, const struct fetch_order *order);
/* Makes them so. */
int pins_set(struct mirror *mirror, const struct fetch_order *order, struct error *err);
/* Adds those that it does not have. */
void pins_missing(struct mirror *mirror, const struct fetch_order *order, struct strings *missing);
/*
 * Copies what ORDER's pins need and MIRROR lacks from the objects of the one at BROKEN, whatever else of it is broken; and
 * the pins of other owners that can still be listed there, with what they need. A remote that was force-pushed has them no
 * more. What cannot be read stays missing.
 */
void pins_rescue(struct mirror *mirror, const char *broken, const struct fetch_order *order);
