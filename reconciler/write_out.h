/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The closure's files, from git objects into a build's own folder: no repository is ever checked out. */

#include "reconciler/inputs.h"

/*
 * Writes every file of INPUTS below FOLDER, which is empty, with its mode; links as links. Each content is checked against
 * what the closure says. Files of this machine stay where they are.
 */
int write_out(const struct inputs *inputs, int folder, struct error *err);
