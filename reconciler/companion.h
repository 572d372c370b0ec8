/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* kiln-web, where the daemon itself starts it: beside it, started again when it ends, ended with it. */

#include "reconciler/loop.h"

struct companion;

/* Starts it if `listen` of the configuration says where. */
struct companion *companion_new(struct loop *loop, struct head *head);
/* The configuration was read again: it reads it too; one that is to listen elsewhere is started anew. */
void companion_reload(struct companion *companion);
void companion_free(struct companion *companion);
