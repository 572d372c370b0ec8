/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files below the build's tree/ by pattern, as Go's filepath.Glob finds them. */

#include "backends/job.h"
#include "base/strings.h"

/*
 * Adds the paths below tree/ that PATTERN (one too) matches, sorted folder by folder: files and folders, where no link leads
 * out. Nothing matched is no error; a broken pattern is one of kind CATALOG.
 */
int glob_tree(
	const struct job *job, const char *pattern, struct strings *matches, struct error *err);
