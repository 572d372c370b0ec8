/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where versions are published: a driver each. Every operation can be done again after a crash at any point of it and
 * then ends as if it had been done once.
 */

#include "backends/artifact.h"

/* Which image of which catalog. */
struct catalog_place {
	const char *name;  /* of the catalog */
	const char *path;  /* what its configuration says */
	const char *image; /* "[REPOSITORY/]NAME" */
	const char *url;   /* where others find what is below PATH, "" if nobody said */
};

struct catalog {
	const char *type;
	/*
	 * Puts version N there, whole or not at all; MANIFEST is its manifest.json. What is there already is taken for done if
	 * it is of the same build, and else an error of kind CONFLICT. PREVIOUS (0: none) is a version that may have some of
	 * the files.
	 */
	int (*publish)(struct job *job, const struct catalog_place *place, int64_t version,
		const struct published *files, const struct json *manifest, int64_t previous,
		struct error *err);
	/* CHANNEL names VERSION from now on; at no instant it names nothing. */
	int (*set_channel)(struct job *job, const struct catalog_place *place, const char *channel,
		int64_t version, struct error *err);
	/* Removes a version that no channel names. */
	int (*retire)(struct job *job, const struct catalog_place *place, int64_t version,
		struct error *err);
	/* The image is given up: nothing of it has a name any more. */
	int (*remove_channels)(
		struct job *job, const struct catalog_place *place, struct error *err);
};

const struct catalog *catalog_find(const char *type);
extern const struct catalog *const catalogs[];
