/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a build made against what was published, file by file: for `kiln verify --cold`. */

#include "backends/job.h"

/*
 * The order has the build's own `artifact`, `published` ({"folder", "artifact"}) and the builder. Notes in the journal {"event":
 * "comparison", "files": COUNT, "differences": [{"path", "expected", "found"}], "more": COUNT of those that are not listed}. Where the order has
 * `first`, the differences that another build of the same closure had, only those paths are looked at, and the differences are those that came
 * again, just the same. Errors (CATALOG) where the two differ and cannot be looked into.
 *
 * A path is that of a file in a machine or an OCI image (/etc/passwd), of one in an archive (rootfs.tar.zst:/etc/passwd), or a whole file
 * of the artifact (disk.gz).
 */
int compare_artifact(struct job *job, struct error *err);
