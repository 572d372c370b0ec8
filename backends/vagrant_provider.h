/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a Vagrant box of each provider has in it, beside its metadata.json and Vagrantfile. Source: Packer 1.6.6
 * post-processor/vagrant; Vagrant's documentation of boxes.
 */

#include "backends/artifact.h"

struct box_file {
	char *name; /* in the box */
	char *path; /* below tree/ */
};

struct box {
	struct job *job;
	struct box_file *files;
	size_t count, room;
	struct json *metadata;   /* of the provider */
	struct text vagrantfile; /* what the provider wants in it */
};
/* Where a provider may unpack what it needs, below tree/; removed with the box. */
#define BOX_FOLDER ".kiln-box"
void box_clear(struct box *box);
/* A file of that name takes the place of an earlier one. */
void box_add(struct box *box, const char *name, const char *path);

struct vagrant_provider {
	const char *name;
	/* Adds what the provider's box has of INPUT. */
	int (*collect)(struct box *box, const struct artifact *input, struct error *err);
};
/* By name; of an artifact by Packer's builder id. NULL if there is none. */
const struct vagrant_provider *vagrant_provider_find(const char *name);
const struct vagrant_provider *vagrant_provider_of(const char *builder_id);
