/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The checks of a finished artifact, before it may be published: the entries of `validate`. */

#include "backends/artifact.h"

/* Runs the order's validators over the artifact that the order names; the first that fails is the error. */
int validate_artifact(struct job *job, struct error *err);
