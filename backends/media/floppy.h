/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A floppy disk of 1.44 MB with files (floppy_files, floppy_dirs): FAT12 with long names. The same files give the same bytes: times are
 * the job's epoch, but not before 1980. Source: Microsoft FAT specification 1.03.
 */

#include "backends/job.h"

/*
 * Makes it in the build's work folder and gives its absolute path, which the caller frees. FILES go to the root, those of folders too;
 * FOLDERS keep their names and all below them; both are lists of paths, or NULL. LABEL is "packer" if empty. Kind CATALOG for files that are
 * missing, have the same name, cannot have their name there or are too much for a floppy disk.
 */
int floppy_make(struct job *job, const struct json *files, const struct json *folders,
	const char *label, char **path, struct error *err);
