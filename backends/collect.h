/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Making room in a state folder: kept layers and downloads beyond limits.cache_bytes, what saves least time for its bytes, and was used longest ago, first; what
 * an earlier boot unpacked; and folders that the head names. What a running build has open stays.
 */

#include "base/json.h"

/*
 * ORDER: {"state", "cache_bytes", "subid_base", "dry_run", "remove": [{"path", "why"}]}, paths below the state folder.
 * RESULT (the caller frees): {"bytes", "freed", "removed": [{"path", "bytes", "why"}]}.
 */
int collect_run(const struct json *order, struct json **result, struct error *err);
