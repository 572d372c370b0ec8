/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The files of page/, which are part of the program. */

#include "reconciler/web/http.h"

/* The text of a template of page/; it is there, or this is a fault of the program. */
const char *asset_template(const char *name);
/* What stands behind the name of an asset in a page: the digest of all of them, so that browsers may keep them. */
const char *asset_version(void);
/* GET /assets/NAME */
void asset_answer(void *web, struct request *request, struct response *response);
