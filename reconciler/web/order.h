/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* POST /order: what can be changed from the page. kilnd is asked as the command line would ask it. */

#include "reconciler/web/web.h"

void order_answer(void *web, struct request *request, struct response *response);
