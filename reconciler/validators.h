/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The entries of `validate` in kiln.json, as far as they can be checked without an image. */

#include "reconciler/reason.h"

/* REASON_NONE if the entry is good; otherwise REASON_INVALID or REASON_UNSUPPORTED, and why in ERR. */
enum reason_kind validator_check(const struct json *entry, struct error *err);
