/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who is built on whom, as boxes and lines: from what an image is built on at the left to what is built on it at the right. */

#include "base/json.h"

/*
 * RELATIVES is kilnd's answer; PREFIX stands before names in links ("" or "REPOSITORY/"). {"width", "height", "boxes":
 * [...], "lines": [...]}; NULL if the image has no relatives. The caller frees.
 */
struct json *picture_make(const struct json *relatives, const char *prefix);
