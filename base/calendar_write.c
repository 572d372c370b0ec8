/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/calendar.h"
#include "base/calendar_form.h"

const struct calendar_range calendar_ranges[CALENDAR_FIELD_COUNT] = {
	[CALENDAR_YEAR] = {"year", 1970, 2199, 4, 1},
	[CALENDAR_MONTH] = {"month", 1, 12, 2, 1},
	[CALENDAR_DAY] = {"day", 1, 31, 2, 1},
	[CALENDAR_HOUR] = {"hour", 0, 23, 2, 1},
	[CALENDAR_MINUTE] = {"minute", 0, 59, 2, 1},
	[CALENDAR_SECOND] = {"second", 0, 60 * CALENDAR_USEC - 1, 2, CALENDAR_USEC},
};

const char *const calendar_weekdays[CALENDAR_WEEKDAY_COUNT] = {
	"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

void calendar_free(struct calendar *calendar)
{
	if (!calendar)
		return;
	for (enum calendar_field field = 0; field < CALENDAR_FIELD_COUNT; field++)
		free(calendar->choices[field].spans);
	free(calendar->zone);
	free(calendar);
}

static void write_number(int value, const struct calendar_range *range, int width, struct text *out)
{
	text_addf(out, "%0*d", width, value / range->unit);
	if (value % range->unit)
		text_addf(out, ".%06d", value % range->unit);
}

void calendar_write_span(
	const struct calendar_span *span, const struct calendar_range *range, struct text *out)
{
	write_number(span->first, range, range->width, out);
	if (span->last > 0) {
		text_add(out, "..");
		write_number(span->last, range, range->width, out);
	}
	if (span->step && !(span->last > 0 && span->step == range->unit)) {
		text_add_char(out, '/');
		write_number(span->step, range, 1, out);
	}
}

/* A run of three days or more is a range, of two a list. */
static void write_weekdays(unsigned bits, struct text *out)
{
	const char *comma = "";

	for (int day = 0; day < CALENDAR_WEEKDAY_COUNT; day++) {
		int last = day;
		if (!(bits & 1u << day))
			continue;
		while (bits & 1u << (last + 1))
			last++;
		text_addf(out, "%s%.3s", comma, calendar_weekdays[day]);
		if (last > day)
			text_addf(out, "%s%.3s", last > day + 1 ? ".." : ",",
				calendar_weekdays[last]);
		comma = ",";
		day = last;
	}
	text_add_char(out, ' ');
}

static bool is_every_second(const struct calendar_choice *choice)
{
	for (size_t i = 0; i < choice->count; i++) {
		const struct calendar_span *span = &choice->spans[i];
		if (!span->first && span->last == CALENDAR_NONE && span->step == CALENDAR_USEC)
			return true;
	}
	return false;
}

static void write_choice(
	const struct calendar *calendar, enum calendar_field field, struct text *out)
{
	const struct calendar_choice *choice = &calendar->choices[field];

	if (!choice->count || (field == CALENDAR_SECOND && is_every_second(choice))) {
		text_add_char(out, '*');
		return;
	}
	for (size_t i = 0; i < choice->count; i++) {
		if (i)
			text_add_char(out, ',');
		calendar_write_span(&choice->spans[i], &calendar_ranges[field], out);
	}
}

void calendar_write(const struct calendar *calendar, struct text *out)
{
	static const char separators[CALENDAR_FIELD_COUNT] = {'-', '-', ' ', ':', ':', '\0'};

	if (calendar->weekdays != CALENDAR_EVERY_DAY)
		write_weekdays(calendar->weekdays, out);
	for (enum calendar_field field = 0; field < CALENDAR_FIELD_COUNT; field++) {
		write_choice(calendar, field, out);
		if (field == CALENDAR_MONTH && calendar->from_month_end)
			text_add_char(out, '~');
		else if (separators[field])
			text_add_char(out, separators[field]);
	}
	if (calendar->utc)
		text_add(out, " UTC");
	else if (calendar->zone)
		text_addf(out, " %s", calendar->zone);
}
