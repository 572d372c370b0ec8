/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What calendar_parse.c reads, calendar.c searches and calendar_write.c writes; nobody else includes this. */

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* From the largest unit to the smallest. Seconds are kept in microseconds, 0 to 59999999. */
enum calendar_field {
	CALENDAR_YEAR,
	CALENDAR_MONTH,
	CALENDAR_DAY,
	CALENDAR_HOUR,
	CALENDAR_MINUTE,
	CALENDAR_SECOND,
	CALENDAR_FIELD_COUNT
};

enum {
	CALENDAR_NONE = -1,
	CALENDAR_WEEKDAY_COUNT = 7,
	CALENDAR_EVERY_DAY = 0x7f,
	CALENDAR_USEC = 1000000 /* in a second */
};

/* FIRST and, with a STEP, each STEP after it up to LAST (CALENDAR_NONE: up to the unit's end). */
struct calendar_span {
	int first, last;
	int step; /* 0: FIRST alone */
};

/* What one field may be: in any of the spans, sorted; without spans anything. */
struct calendar_choice {
	struct calendar_span *spans;
	size_t count, room;
};

struct calendar {
	struct calendar_choice choices[CALENDAR_FIELD_COUNT];
	unsigned weekdays;   /* a bit each, Monday is 1; CALENDAR_EVERY_DAY: all */
	bool from_month_end; /* days count back from the month's last, which is 1 */
	bool utc;
	char *zone; /* NULL: the caller's; not looked at where `utc` is set */
};

struct calendar_range {
	const char *name;
	int lowest, highest;
	int width; /* digits when written */
	int unit;  /* what a 1 in the text is */
};
extern const struct calendar_range calendar_ranges[CALENDAR_FIELD_COUNT];
extern const char *const calendar_weekdays[CALENDAR_WEEKDAY_COUNT]; /* from Monday */

void calendar_write_span(
	const struct calendar_span *span, const struct calendar_range *range, struct text *out);
