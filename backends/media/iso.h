/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A CD of files (cd_files): ISO 9660 with Rock Ridge and Joliet, by libarchive. The same files give the same bytes: everything belongs
 * to root, modes are 0755 and 0644, times are the job's epoch.
 */

#include "backends/job.h"

/*
 * Makes it in the build's work folder and gives its absolute path, which the caller frees. FILES is the option, a list of paths; LABEL
 * is the volume's name, "packer" if empty. Kind CATALOG for files that are missing or have the same name, or a label that cannot be.
 */
int iso_make(struct job *job, const struct json *files, const char *label, char **path,
	struct error *err);
