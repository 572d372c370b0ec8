/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What builds by packer may leave where kiln cannot look: in clouds, at hosts of machines. The ledger names the run before
 * packer is started, with the options that say where; the build's journal has what packer then says that it makes
 * (backends/packer/traces.h). The entry goes when packer ended by itself and removed what it made, or when a person says
 * that it is dealt with. kiln removes nothing there.
 */

#include "reconciler/replacement.h"

/* Writes it down, if ORDER, a build's, is for packer and any of its plugins makes things elsewhere. */
int elsewhere_intend(struct replacement *replacement, const struct json *order, struct error *err);

/* A run of BUILD ended, or the build came to rest: crosses out what nothing was left of. *LEFT: there may be. */
int elsewhere_settle(
	struct head *head, const struct build_record *build, bool *left, struct error *err);
/* The same of all builds: an earlier head may have ended in between. */
int elsewhere_settle_all(struct head *head, struct error *err);

/*
 * Adds what may have been left to LIST: {"build", "image", "since", "why", "makes": [{"plugin", "where": {option: text}}],
 * "made": [id], "said": [line], "names"}.
 */
int elsewhere_list(struct head *head, struct json *list, struct error *err);

/* BUILD has left something; its folder, which says what, is to stay. */
int elsewhere_has(struct head *head, const char *build, bool *has, struct error *err);

/* A person has dealt with all that BUILD left. An error (CATALOG) if nothing is known of it. */
int elsewhere_forget(struct head *head, const char *build, struct error *err);
