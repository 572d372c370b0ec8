/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * When the service may put new versions in place of old ones: `freezes` and `windows` of service.json. Builds go on all the same;
 * what a person orders by hand is done at any time.
 */

#include "reconciler/service.h"

/*
 * 0: now is a good time. Otherwise the moment (usec since 1970, after NOW_USEC) when it is worth asking again; INT64_MAX: never.
 */
int64_t freeze_until(const struct service *service, const char *repository, int64_t now_usec);
