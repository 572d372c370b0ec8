/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A build by an installed packer: for what kiln has no driver for. It runs in a sandbox that sees this machine's programs
 * and the written-out closure, with this machine's network; what it starts ends with it. The order's object `packer` says
 * which program, template, build and variables (reconciler/packer_order.h).
 */

#include "backends/post.h"

/*
 * Runs all of the build, post-processors too; KEPT gets the artifacts that are its result, their files below tree/, and
 * *VERSION that of packer, which the caller frees. An artifact of ids alone has a file that lists them.
 */
int packer_build(struct job *job, struct artifacts *kept, char **version, struct error *err);
