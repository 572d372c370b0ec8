/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A template brought up to date: what Packer once took and takes no more is written as it is now. Nothing is interpolated and no
 * plugin asked. Source: Packer 1.6.6 command/fix.go, fix/.
 */

#include "base/error.h"
#include "base/text.h"

/*
 * Reads BYTES as Packer's fix does (of equal keys the last counts, what follows the first value does not) and appends the fixed
 * template to FIXED: keys sorted, two spaces a level, a newline at the end. Errors are of kind CATALOG and begin with
 * "PATH:LINE:COLUMN: ".
 */
int fix_template(
	const char *path, const char *bytes, size_t size, struct text *fixed, struct error *err);

/* Whether FIXED, made of the file PATH, is a template: its structure, not its plugins or variables. Places are those of FIXED. */
int fix_check(const char *path, const struct text *fixed, struct error *err);
