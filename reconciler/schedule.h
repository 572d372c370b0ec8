/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * When an image is built again though nothing changed: `rebuild` of kiln.json. Counted from when a build last gave the
 * artifact, so whatever was missed meanwhile is caught up once. Pure: no clock is read.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/json.h"

struct schedule;

/*
 * REBUILD is {"every", "at", "calendar", "spread", "when"}; *SCHEDULE is NULL where that gives no time. *KEY is the one that an
 * error (kind CATALOG) is about. The caller frees *SCHEDULE.
 */
int schedule_read(const struct json *rebuild, struct schedule **schedule, const char **key,
	struct error *err);
void schedule_free(struct schedule *schedule);
DEFINE_FREEP(schedule)

/* Built only if something outside of the repository moved by then. */
bool schedule_is_for_inputs(const struct schedule *schedule);

/*
 * When the image called NAME is due that was built at SINCE_USEC, in microseconds since 1970; 0: never. ZONE is the service's
 * time zone. SCHEDULE may be NULL.
 *
 * `every`: that long after. `at`: at the first such time of a day; with `every` the one nearest to it, so that a nightly build does
 * not move on by the time that it takes. `calendar`: when it elapses next. `spread`: each image that much later of it that its name
 * decides, always the same.
 */
int64_t schedule_next(
	const struct schedule *schedule, const char *zone, const char *name, int64_t since_usec);
/* The same for a `rebuild` that was read before, as policies have it. */
int64_t schedule_next_of(
	const struct json *rebuild, const char *zone, const char *name, int64_t since_usec);
