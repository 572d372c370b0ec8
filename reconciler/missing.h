/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A build sees its closure alone. Where a command of this machine failed, this tells which files of the commit it looked
 * for in vain, and what would make them inputs.
 */

#include "reconciler/replacement.h"

/* Adds it to the failure of REPLACEMENT, whose worker failed; nothing where nothing was looked for. */
void missing_explain(struct replacement *replacement);
