/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The key pair by which a build gets into its machine, where its options name no other way (ssh_options_want_key). */

#include "backends/job.h"
#include "base/ssh_key.h"

/* Of OPTIONS, those of the builder; nothing (both NULL) where none is wanted. The caller clears KEY. */
int key_pair_make(
	struct job *job, const struct json *options, struct ssh_key *key, struct error *err);
