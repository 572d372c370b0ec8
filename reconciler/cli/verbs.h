/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Every verb of the command line, a file each; verbs.c lists them. */

#include "reconciler/cli/cli.h"

extern const struct cli_verb cli_plan, cli_apply, cli_inputs, cli_phases;
