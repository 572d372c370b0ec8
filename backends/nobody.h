/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The communicator of builders that make no machine: commands succeed and do nothing. Source: Packer 1.6.6: communicator
 * "none", and the file builder's mock.
 */

#include "backends/builder.h"

/* Runs all steps in their order with it, and the cleanup provisioner when one fails. */
int nobody_provision(struct job *job, const struct steps *steps, struct error *err);
