/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether a commit may decide anything. Where the operator asks for signatures (repositories[].verify), one without an acceptable
 * one changes nothing: its images are blocked, and what was there goes on.
 */

#include "reconciler/repository.h"

/*
 * 1: it may. 0: it may not, and ERR says why, with the commit. -1: that could not be found out. Answers are remembered as long as
 * the process and the operator's files stay the same.
 */
int acceptance_check(
	struct repository *repository, const struct object_id *commit, struct error *err);
