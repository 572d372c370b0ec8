/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/digest.h"
#include "base/duration.h"
#include "base/memory.h"

enum { HALF_DAY_SEC = 12 * 3600 };

struct schedule {
	int64_t every_sec, spread_sec;
	struct calendar *calendar; /* of `at` or `calendar`; NULL: `every` alone */
	bool is_daily;             /* it is of `at` */
	bool inputs;
};

static int read_duration(const struct json *value, int64_t *sec, struct error *err)
{
	if (duration_parse(json_text(value, ""), sec) == 0 && *sec > 0)
		return 0;
	return fail(err, ERROR_CATALOG, "must be a duration: 90s, 15m, 24h or 30d");
}

static int read_at(struct schedule *schedule, const struct json *value, struct error *err)
{
	const char *text = json_text(value, "");
	int hour, minute, used = 0;

	if (sscanf(text, "%2d:%2d%n", &hour, &minute, &used) != 2 || used != 5 || text[5] ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59)
		return fail(err, ERROR_CATALOG, "must be a time of day, as 03:30");
	autofree char *expression = memory_printf("*-*-* %s:00", text);
	schedule->is_daily = true;
	return calendar_parse(expression, &schedule->calendar, err);
}

static int read_key(
	struct schedule *schedule, const char *key, const struct json *value, struct error *err)
{
	const char *text = json_text(value, "");

	if (strcmp(key, "every") == 0)
		return read_duration(value, &schedule->every_sec, err);
	if (strcmp(key, "spread") == 0)
		return read_duration(value, &schedule->spread_sec, err);
	if (strcmp(key, "when") == 0) {
		schedule->inputs = strcmp(text, "inputs") == 0;
		return schedule->inputs || strcmp(text, "always") == 0
		               ? 0
		               : fail(err, ERROR_CATALOG, "must be always or inputs");
	}
	if (strcmp(key, "at") != 0 && strcmp(key, "calendar") != 0)
		return 0; /* who reads the file tells of keys that there are not */
	if (schedule->calendar)
		return fail(err, ERROR_CATALOG, "at and calendar exclude each other");
	return strcmp(key, "at") == 0 ? read_at(schedule, value, err)
	                              : calendar_parse(text, &schedule->calendar, err);
}

int schedule_read(
	const struct json *rebuild, struct schedule **schedule, const char **key, struct error *err)
{
	CLEANUP(schedule_freep) struct schedule *read = memory_new(sizeof(*read));

	*schedule = NULL;
	json_each_member (member, rebuild) {
		*key = member.key;
		if (read_key(read, member.key, member.value, err) < 0)
			return -1;
	}
	*key = "calendar";
	if (read->calendar && !read->is_daily && read->every_sec)
		return fail(err, ERROR_CATALOG, "every and calendar exclude each other");
	if (read->calendar || read->every_sec)
		*schedule = TAKE(read);
	return 0;
}

void schedule_free(struct schedule *schedule)
{
	if (!schedule)
		return;
	calendar_free(schedule->calendar);
	free(schedule);
}

bool schedule_is_for_inputs(const struct schedule *schedule)
{
	return schedule && schedule->inputs;
}

static int64_t spread_of(const struct schedule *schedule, const char *name)
{
	struct digest digest;
	uint64_t number;

	if (!schedule->spread_sec)
		return 0;
	digest_of(name, strlen(name), &digest);
	memcpy(&number, digest.bytes, sizeof(number));
	return (int64_t)(number % (uint64_t)schedule->spread_sec) * 1000000;
}

int64_t schedule_next(
	const struct schedule *schedule, const char *zone, const char *name, int64_t since_usec)
{
	int64_t after_usec = since_usec, next_usec;

	if (!schedule)
		return 0;
	int64_t spread_usec = spread_of(schedule, name);
	if (!schedule->calendar)
		return since_usec + schedule->every_sec * 1000000 + spread_usec;
	/* what the spread put off belongs to the time before it */
	after_usec -= spread_usec;
	if (schedule->every_sec > HALF_DAY_SEC)
		after_usec += (schedule->every_sec - HALF_DAY_SEC) * 1000000;
	if (calendar_next(schedule->calendar, zone, after_usec, &next_usec) <= 0)
		return 0;
	return next_usec + spread_usec;
}

int64_t schedule_next_of(
	const struct json *rebuild, const char *zone, const char *name, int64_t since_usec)
{
	CLEANUP(schedule_freep) struct schedule *schedule = NULL;
	struct error ignored;
	const char *key;

	schedule_read(rebuild, &schedule, &key, &ignored);
	return schedule_next(schedule, zone, name, since_usec);
}
