/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The layers of root file systems, each kept under the digest of everything that went into it: STATE/checkpoints has them
 * as sealed tars with a note beside each, STATE/cache/trees has them unpacked, ready to be mounted.
 */

#include "backends/compress.h"
#include "backends/job.h"

struct layer {
	struct digest key;
	int tree;    /* its unpacked folder, shared-locked against eviction; -1: none */
	char *mount; /* how a sandbox finds that: "trees/..." or "work/trees/..." */
	bool reused;
	int64_t created_usec;
	bool sealed; /* the rest is set */
	int folder;  /* that FILE lies in; borrowed from the store it was found in or sealed to */
	char *file;
	enum compression compression;
	struct digest plain, digest; /* of the tar before and after compression */
	int64_t size;                /* compressed */
};
void layer_clear(struct layer *layer);

struct layers {
	struct job *job;
	bool keep; /* into the stores above; otherwise all of it lies in the build's own folder */
	int sealed_fd, trees_fd; /* trees_fd is borrowed where `keep` */
	enum compression
		compression; /* of what is sealed from now on; NONE: nothing has to be sealed */
};
int layers_open(struct job *job, bool keep, enum compression compression, struct layers *layers,
	struct error *err);
void layers_close(struct layers *layers);

/*
 * The layer of that key: 1 and it can be mounted, 0 if there is none (or none younger than MAX_AGE_SEC; 0: any age will
 * do). A sealed one that is damaged counts as none and is removed.
 */
int layers_find(struct layers *layers, const struct digest *key, int64_t max_age_sec,
	struct layer *layer, struct error *err);

/* Makes the empty folders that a writable sandbox writes to. */
int layers_begin(struct layers *layers, struct error *err);
/* What a sandbox, which was closed, left there becomes the layer of KEY: packed, times clamped, and kept. */
int layers_finish(
	struct layers *layers, const struct digest *key, struct layer *layer, struct error *err);
/* Throws it away. */
void layers_abandon(struct layers *layers);

/* The same for a tree that a function fills, inside the build's user namespace: a base that is unpacked. */
typedef int layer_fill(void *context, int folder, struct error *err);
int layers_make(struct layers *layers, const struct digest *key, layer_fill *fill, void *context,
	struct layer *layer, struct error *err);

/* Sees to it that LAYER is sealed with layers->compression and whole; an unsealed or damaged one is packed again. */
int layers_seal(struct layers *layers, struct layer *layer, struct error *err);

/* KEY of the next layer: what came before, and what the step itself gets. */
void layer_next_key(const struct digest *before, const struct digest *step, struct digest *key);
