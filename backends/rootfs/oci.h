/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * OCI image layouts: folders with an image in them. Source: opencontainers/image-spec v1.0, image-layout.md, manifest.md,
 * config.md, layer.md.
 */

#include "backends/artifact.h"
#include "backends/rootfs/layers.h"

struct oci_layer {
	char *media_type;
	struct digest digest; /* of the blob */
	char *plain;          /* diff id, as written in the configuration */
	int64_t size;
};

struct oci_image {
	int folder; /* borrowed */
	struct json *config;
	struct oci_layer *layers; /* the lowest first */
	size_t count;
};
/* Reads the one image in FOLDER; of several the one for this machine. Kind CATALOG where it is none. */
int oci_read(int folder, struct oci_image *image, struct error *err);
void oci_image_clear(struct oci_image *image);
/* The layer's blob, checked against its digest, at its beginning; -1 on error. */
int oci_open_layer(const struct oci_image *image, size_t index, struct error *err);
/* FOLDER is a layout. */
bool oci_is_layout(int folder);

struct oci_step {
	const struct layer *layer; /* sealed with gzip */
	const char *comment;       /* what made it */
};
/*
 * Writes an image into the empty folder PATH below tree/: the layers of BASE (NULL: none) as they are, then STEPS. COPY: blobs
 * are files of their own, which post-processors may read; otherwise they share the kept layers' where the file system
 * lets them. ARTIFACT gets every file.
 */
int oci_write(struct job *job, const char *path, const struct oci_image *base,
	const struct oci_step *steps, size_t count, bool copy, struct artifact *artifact,
	struct error *err);
