/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/calendar.h"
#include "base/calendar_form.h"
#include "base/memory.h"

#define EXAMPLE "; for example \"Mon..Fri *-*-* 03:30\""

enum {
	SPANS_MOST = 240, /* in one list: what people write has a handful */
	FRACTION_DIGITS = 6,
	SHOWN_MOST = 40,  /* bytes of a stranger's text in a message */
	WEEKDAY_SHORT = 3 /* letters of it are enough */
};

static const struct {
	const char *word, *meaning;
} shorthands[] = {
	{"minutely", "*:*"},
	{"hourly", "*:00"},
	{"daily", "00:00"},
	{"weekly", "Mon"},
	{"monthly", "*-01"},
	{"quarterly", "01,04,07,10-01"},
	{"semiannually", "01,07-01"},
	{"semi-annually", "01,07-01"},
	{"biannually", "01,07-01"},
	{"bi-annually", "01,07-01"},
	{"yearly", "01-01"},
	{"annually", "01-01"},
	{"anually", "01-01"},
};

/* ---- numbers and lists of them ---- */

struct parser {
	const char *at;
	struct calendar *calendar;
	struct error *err;
};

/* What is wrong where the parser stands. */
static int refuse(const struct parser *parser, const char *wanted)
{
	CLEANUP(text_clear) struct text shown = {0};

	if (!*parser->at)
		return fail(parser->err, ERROR_CATALOG, "%s expected at its end" EXAMPLE, wanted);
	text_add_c_escaped(&shown, parser->at, strnlen(parser->at, SHOWN_MOST), "\"");
	return fail(parser->err, ERROR_CATALOG, "%s expected at \"%s\"" EXAMPLE, wanted,
		text_get(&shown));
}

static bool is_next(const struct parser *parser, const char *any)
{
	return *parser->at && strchr(any, *parser->at);
}

static void skip_spaces(struct parser *parser)
{
	parser->at += strspn(parser->at, " ");
}

/* The digits behind a decimal point, rounded to microseconds. */
static int read_fraction(struct parser *parser, int *usec)
{
	int value = 0, digits = 0;

	if (!isdigit((unsigned char)*parser->at))
		return refuse(parser, "digits behind the decimal point");
	for (; digits < FRACTION_DIGITS; digits++) {
		value *= 10;
		if (isdigit((unsigned char)*parser->at))
			value += *parser->at++ - '0';
	}
	*usec = value + (*parser->at >= '5' && *parser->at <= '9');
	parser->at += strspn(parser->at, "0123456789");
	return 0;
}

static int read_number(struct parser *parser, int unit, int *number)
{
	const struct parser start = *parser;
	int value = 0, fraction = 0;

	if (!isdigit((unsigned char)*parser->at))
		return refuse(parser, "a number");
	for (; isdigit((unsigned char)*parser->at); parser->at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, *parser->at - '0', &value))
			return refuse(&start, "a smaller number");
	if (unit > 1 && parser->at[0] == '.' && parser->at[1] != '.') {
		parser->at++;
		if (read_fraction(parser, &fraction) < 0)
			return -1;
	}
	if (__builtin_mul_overflow(value, unit, &value) ||
		__builtin_add_overflow(value, fraction, &value))
		return refuse(&start, "a smaller number");
	*number = value;
	return 0;
}

/* "5", "5/10", "1..5", "1..5/2" */
static int read_span(struct parser *parser, int unit, struct calendar_span *span)
{
	const struct parser start = *parser;

	*span = (struct calendar_span){.last = CALENDAR_NONE};
	if (read_number(parser, unit, &span->first) < 0)
		return -1;
	if (parser->at[0] == '.' && parser->at[1] == '.') {
		parser->at += 2;
		if (read_number(parser, unit, &span->last) < 0)
			return -1;
		span->step = unit;
	}
	if (*parser->at == '/') {
		const struct parser step = {++parser->at, parser->calendar, parser->err};
		if (read_number(parser, unit, &span->step) < 0)
			return -1;
		if (!span->step)
			return refuse(&step, "a repetition above 0");
	} else if (unit > 1 && span->last != CALENDAR_NONE && span->last - unit < span->first) {
		return refuse(&start, "a range of at least a second, or a repetition (\"/0.1\"),");
	}
	if (*parser->at && !is_next(parser, " ,-~:"))
		return refuse(parser, "',', '..', '/' or the next part");
	return 0;
}

static int read_choice(struct parser *parser, int unit, struct calendar_choice *choice)
{
	if (*parser->at == '*') {
		parser->at++;
		if (unit == 1)
			return 0; /* no span: anything; of fractions, though, each whole second */
		MEMORY_GROW(choice->spans, choice->count, choice->room);
		choice->spans[choice->count++] = (struct calendar_span){0, CALENDAR_NONE, unit};
		return 0;
	}
	for (;;) {
		if (choice->count > SPANS_MOST)
			return refuse(parser, "at most 240 values in a list: an end");
		MEMORY_GROW(choice->spans, choice->count, choice->room);
		if (read_span(parser, unit, &choice->spans[choice->count]) < 0)
			return -1;
		choice->count++;
		if (*parser->at != ',')
			return 0;
		parser->at++;
	}
}

/* ---- the parts ---- */

static int find_weekday(const char *text, size_t *length)
{
	for (int day = 0; day < CALENDAR_WEEKDAY_COUNT; day++) {
		size_t whole = strlen(calendar_weekdays[day]);
		if (strncasecmp(text, calendar_weekdays[day], WEEKDAY_SHORT) != 0)
			continue;
		*length = strncasecmp(text, calendar_weekdays[day], whole) == 0 ? whole
		                                                                : WEEKDAY_SHORT;
		return day;
	}
	return -1;
}

/* "Mon..Wed,Sun " where there is one; "Mon-Wed" as old systemds wrote it, and a comma too many, are taken like there. */
static int read_weekdays(struct parser *parser)
{
	unsigned bits = 0;
	int from = -1; /* the first day of a range whose last is awaited */

	for (;;) {
		size_t length;
		int day = find_weekday(parser->at, &length);
		if (day < 0)
			return bits ? refuse(parser, "a weekday") : 0;
		if (day < from)
			return refuse(parser, "a later day of the week (it begins on Monday)");
		parser->at += length;
		if (*parser->at && !is_next(parser, "-., "))
			return refuse(parser, "a weekday's end");
		for (int each = from < 0 ? day : from; each <= day; each++)
			bits |= 1u << each;
		parser->calendar->weekdays = bits;
		if (!*parser->at || *parser->at == ' ')
			break;
		if (*parser->at == ',') {
			from = -1;
			parser->at++;
			if (!*parser->at || *parser->at == ' ')
				break;
			continue;
		}
		if (from >= 0 || (parser->at[0] == '.' && parser->at[1] != '.'))
			return refuse(parser, "',' or a space");
		from = day;
		parser->at += *parser->at == '.' ? 2 : 1;
	}
	skip_spaces(parser);
	return 0;
}

/* '-' or '~' before the last part of a date; false at anything else. */
static bool read_date_separator(struct parser *parser)
{
	if (!is_next(parser, "-~"))
		return false;
	parser->calendar->from_month_end = *parser->at == '~';
	parser->at++;
	return true;
}

/* "2024-02-29", "02-29", "*-*~01"; nothing is read where a time comes first. */
static int read_date(struct parser *parser)
{
	struct calendar_choice *choices = parser->calendar->choices;
	const struct parser start = *parser;

	if (!*parser->at)
		return 0;
	/* it is a month, a year or an hour: what follows tells */
	if (read_choice(parser, 1, &choices[CALENDAR_MONTH]) < 0)
		return -1;
	if (!*parser->at || *parser->at == ':') {
		free(choices[CALENDAR_MONTH].spans);
		choices[CALENDAR_MONTH] = (struct calendar_choice){0};
		parser->at = start.at;
		return 0;
	}
	if (!read_date_separator(parser))
		return refuse(parser, "'-' (of a date) or ':' (of a time)");
	if (read_choice(parser, 1, &choices[CALENDAR_DAY]) < 0)
		return -1;
	if (*parser->at && *parser->at != ' ') {
		if (parser->calendar->from_month_end || !read_date_separator(parser))
			return refuse(parser, "the date's end");
		choices[CALENDAR_YEAR] = choices[CALENDAR_MONTH];
		choices[CALENDAR_MONTH] = choices[CALENDAR_DAY];
		choices[CALENDAR_DAY] = (struct calendar_choice){0};
		if (read_choice(parser, 1, &choices[CALENDAR_DAY]) < 0)
			return -1;
	}
	if (*parser->at && *parser->at != ' ')
		return refuse(parser, "the date's end");
	skip_spaces(parser);
	return 0;
}

static void choose_only(struct calendar *calendar, enum calendar_field field, int value)
{
	struct calendar_choice *choice = &calendar->choices[field];

	MEMORY_GROW(choice->spans, choice->count, choice->room);
	choice->spans[choice->count++] = (struct calendar_span){value, CALENDAR_NONE, 0};
}

/* "03:30", "03:30:10.5"; midnight where there is none. */
static int read_time(struct parser *parser)
{
	struct calendar_choice *choices = parser->calendar->choices;

	if (!*parser->at) {
		for (enum calendar_field field = CALENDAR_HOUR; field <= CALENDAR_SECOND; field++)
			choose_only(parser->calendar, field, 0);
		return 0;
	}
	if (read_choice(parser, 1, &choices[CALENDAR_HOUR]) < 0)
		return -1;
	if (*parser->at != ':')
		return refuse(parser, "':' and minutes");
	parser->at++;
	if (read_choice(parser, 1, &choices[CALENDAR_MINUTE]) < 0)
		return -1;
	if (!*parser->at) {
		choose_only(parser->calendar, CALENDAR_SECOND, 0);
		return 0;
	}
	if (*parser->at != ':')
		return refuse(parser, "':' and seconds, or the end,");
	parser->at++;
	if (read_choice(parser, CALENDAR_USEC, &choices[CALENDAR_SECOND]) < 0)
		return -1;
	return *parser->at ? refuse(parser, "the time's end") : 0;
}

/* "@1700000000": one moment, in UTC. */
static int read_moment(struct parser *parser)
{
	struct calendar *calendar = parser->calendar;
	const struct parser start = *parser;
	char *end;
	struct tm tm;

	parser->at++;
	if (!isdigit((unsigned char)*parser->at))
		return refuse(parser, "seconds since 1970");
	time_t sec = strtol(parser->at, &end, 10);
	if (sec == LONG_MAX || !gmtime_r(&sec, &tm) || tm.tm_year > INT_MAX - 1900)
		return refuse(&start, "a smaller number");
	parser->at = end;
	choose_only(calendar, CALENDAR_YEAR, tm.tm_year + 1900);
	choose_only(calendar, CALENDAR_MONTH, tm.tm_mon + 1);
	choose_only(calendar, CALENDAR_DAY, tm.tm_mday);
	choose_only(calendar, CALENDAR_HOUR, tm.tm_hour);
	choose_only(calendar, CALENDAR_MINUTE, tm.tm_min);
	choose_only(calendar, CALENDAR_SECOND, tm.tm_sec * CALENDAR_USEC);
	calendar->utc = true;
	return *parser->at ? refuse(parser, "nothing behind it") : 0;
}

/* ---- what was read, made regular and looked at ---- */

/* 12 is 2012, 89 is 1989 */
static int whole_year(int year)
{
	if (year < 0 || year >= 100)
		return year;
	return year < 70 ? year + 2000 : year + 1900;
}

static int compare_spans(const void *left, const void *right)
{
	const struct calendar_span *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->last != b->last)
		return a->last < b->last ? -1 : 1;
	return (a->step > b->step) - (a->step < b->step);
}

static void make_regular(struct calendar_choice *choice, enum calendar_field field)
{
	size_t kept = 0;

	for (size_t i = 0; i < choice->count; i++) {
		struct calendar_span *span = &choice->spans[i];
		if (field == CALENDAR_YEAR) {
			span->first = whole_year(span->first);
			span->last = whole_year(span->last);
		}
		if (span->last > span->first)
			span->last -= (span->last - span->first) % span->step;
		if (span->last == span->first)
			*span = (struct calendar_span){span->first, CALENDAR_NONE, 0};
	}
	if (choice->count)
		qsort(choice->spans, choice->count, sizeof(*choice->spans), compare_spans);
	for (size_t i = 0; i < choice->count; i++)
		if (!kept || compare_spans(&choice->spans[kept - 1], &choice->spans[i]) != 0)
			choice->spans[kept++] = choice->spans[i];
	choice->count = kept;
}

static int check_span(const struct calendar_span *span, enum calendar_field field,
	bool from_month_end, struct error *err)
{
	const struct calendar_range *range = &calendar_ranges[field];
	/* every month has its 28th day from the end, and no other is meant */
	int highest = from_month_end ? 28 : range->highest, whole = highest / range->unit;
	const char *what = from_month_end ? "day from the month's end" : range->name;
	CLEANUP(text_clear) struct text shown = {0};

	calendar_write_span(span, range, &shown);
	if (span->first < range->lowest || span->first > highest)
		return fail(err, ERROR_CATALOG, "%s \"%s\": it must be %d to %d" EXAMPLE, what,
			text_get(&shown), range->lowest, whole);
	if (span->last != CALENDAR_NONE && (span->last < range->lowest || span->last > highest))
		return fail(err, ERROR_CATALOG, "%s \"%s\": its range must end at %d to %d" EXAMPLE,
			what, text_get(&shown), range->lowest, whole);
	if (span->last != CALENDAR_NONE && span->first > span->last)
		return fail(err, ERROR_CATALOG,
			"%s \"%s\": its range must begin before it ends" EXAMPLE, what,
			text_get(&shown));
	int room = from_month_end ? span->first - range->lowest : highest - span->first;
	if (span->last == CALENDAR_NONE && span->step > room)
		return fail(err, ERROR_CATALOG,
			"%s \"%s\": it is never reached again by that repetition" EXAMPLE, what,
			text_get(&shown));
	return 0;
}

static int settle(struct calendar *calendar, struct error *err)
{
	if (!calendar->weekdays)
		calendar->weekdays = CALENDAR_EVERY_DAY;
	if (!calendar->choices[CALENDAR_DAY].count)
		calendar->from_month_end = false;
	for (enum calendar_field field = 0; field < CALENDAR_FIELD_COUNT; field++) {
		struct calendar_choice *choice = &calendar->choices[field];
		bool from_end = field == CALENDAR_DAY && calendar->from_month_end;
		make_regular(choice, field);
		for (size_t i = 0; i < choice->count; i++)
			if (check_span(&choice->spans[i], field, from_end, err) < 0)
				return -1;
	}
	return 0;
}

/* ---- the whole ---- */

/* Takes " UTC" or the name of a zone off the end of TEXT. */
static int take_zone(char *text, struct calendar *calendar, struct error *err)
{
	CLEANUP(text_clear) struct text shown = {0};
	char *space = strrchr(text, ' ');
	size_t length;

	if (!space || !space[1])
		return 0;
	if (strcasecmp(space + 1, "UTC") == 0) {
		calendar->utc = true;
	} else if (calendar_zone_is_known(space + 1)) {
		calendar->zone = memory_copy_text(space + 1);
	} else {
		if (!isalpha((unsigned char)space[1]) || find_weekday(space + 1, &length) >= 0)
			return 0;
		text_add_c_escaped(&shown, space + 1, strnlen(space + 1, SHOWN_MOST), "\"");
		return fail(err, ERROR_CATALOG,
			"no time zone \"%s\" is known here; name one of /usr/share/zoneinfo "
			"(\"Europe/Berlin\") or UTC",
			text_get(&shown));
	}
	*space = '\0';
	return 0;
}

int calendar_parse(const char *text, struct calendar **calendar, struct error *err)
{
	CLEANUP(calendar_freep) struct calendar *made = memory_new(sizeof(*made));
	autofree char *rest = memory_copy_text(text);
	struct parser parser = {.calendar = made, .err = err};

	if (take_zone(rest, made, err) < 0)
		return -1;
	parser.at = rest;
	for (size_t i = 0; i < sizeof(shorthands) / sizeof(*shorthands); i++)
		if (strcasecmp(rest, shorthands[i].word) == 0)
			parser.at = shorthands[i].meaning;
	if (!*parser.at)
		return refuse(&parser, "weekdays, a date or a time");
	if (read_weekdays(&parser) < 0)
		return -1;
	if (*parser.at == '@' ? read_moment(&parser) < 0
			      : read_date(&parser) < 0 || read_time(&parser) < 0)
		return -1;
	if (settle(made, err) < 0)
		return -1;
	*calendar = TAKE(made);
	return 0;
}
