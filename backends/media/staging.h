/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is to lie where on a CD or a floppy disk, found out before anything is written: paths of a template, with patterns and whole
 * folders, become a sorted list. Source: Packer 1.6.6 step_create_floppy.go, step_create_cdrom.go.
 */

#include "backends/job.h"
#include "base/map.h"

enum staging_form {
	STAGING_FLAT,     /* floppy_files: every file goes to the root, those of folders too */
	STAGING_NAMED,    /* floppy_dirs: a folder keeps its name and all below it */
	STAGING_CONTENTS, /* cd_files: likewise; of "folder/" only what is in it, to the root */
};

struct staged {
	char *path; /* on the medium, without a '/' before it */
	bool is_folder, is_executable;
	char *source; /* of a file: below the job's tree, or absolute */
	int64_t size;
};

struct staging {
	struct job *job;
	bool folds_case; /* two names that differ only in the case of their letters are the same */
	struct staged *items;
	size_t count, room;
	struct map places; /* path, folded if so -> index + 1 */
};
void staging_clear(struct staging *staging);

/*
 * Adds what PATHS (a list of texts; NULL: none) name; OPTION is for messages. Kind CATALOG: something is not there or leads out of the
 * repository, or two files would have the same name. The same file twice is none the worse for it.
 */
int staging_add(struct staging *staging, const char *option, const struct json *paths,
	enum staging_form form, struct error *err);
/* In the order of their paths, every folder before what is in it; folders that nobody named are there too. */
void staging_sort(struct staging *staging);
/* Its content, for reading. */
int staging_open(const struct staging *staging, const struct staged *item, struct error *err);
