/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The last screen of a build's machine, as kilnd hands it over. */

#include "reconciler/web/web.h"

/* GET /build/ID/screen: 404 where there is none. */
void screen_answer(
	struct web *web, struct request *request, const char *build, struct response *response);
