/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a build says: as text, as the end of a page, and as server-sent events while it goes on. */

#include "reconciler/web/web.h"

/*
 * The last lines of the log as {"time", "step", "stream", "text"} in *LINES (the caller frees), and in *COUNT how many
 * there are in all. A log that is not there has none.
 */
int build_log_tail(
	struct web *web, const char *build, struct json **lines, int64_t *count, struct error *err);
/* GET /build/ID/log and /build/ID/log.txt */
void build_log_follow(
	struct web *web, struct request *request, const char *build, struct response *response);
void build_log_text(
	struct web *web, struct request *request, const char *build, struct response *response);
