/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a root file system starts from: nothing, a tar, an OCI image, an image of the catalog. */

#include "backends/plugins/native.h"
#include "backends/rootfs/layers.h"
#include "backends/rootfs/oci.h"

struct rootfs_base {
	bool empty;         /* scratch: there is no layer */
	struct layer layer; /* all of it, as one tree */
	bool is_oci;
	int folder; /* of the OCI layout; -1 otherwise */
	struct oci_image oci;
};
/* KEY is that of its layer. A digest that does not fit, or something that is no base, is an error of kind CATALOG. */
int rootfs_base_open(struct job *job, struct layers *layers, const struct rootfs_options *options,
	const struct digest *key, struct rootfs_base *base, struct error *err);
void rootfs_base_close(struct rootfs_base *base);
