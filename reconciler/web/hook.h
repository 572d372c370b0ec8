/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * POST /hook/REPOSITORY: whoever knows a secret of the repository may say that it is to be looked at. Nothing is kept of
 * the body, and nothing in it is believed.
 */

#include "reconciler/web/web.h"

void hook_begin(void *web, struct request *request, struct response *response);
void hook_take(struct request *request, const void *bytes, size_t size);
void hook_answer(void *web, struct request *request, struct response *response);
void hook_end(struct request *request);

/* Deliveries that were taken in the last minutes. */
struct replays *replays_new(void);
void replays_free(struct replays *replays);
