/* SPDX-License-Identifier: Apache-2.0 */
#include "base/calendar.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/calendar_form.h"
#include "base/memory.h"

#define ZONE_FOLDER "/usr/share/zoneinfo/"

/* from 1970 to 2199 with several turns a year: what takes more never elapses */
enum { TURNS_MOST = 10000 };
enum { DAY_SEC = 86400 }; /* clocks jump by no more (Samoa in 2011), and not twice within two */
/* after all years of calendars */
#define BEYOND_SEC (300LL * 366 * 86400)

bool calendar_zone_is_known(const char *zone)
{
	char path[PATH_MAX], magic[4];
	char before = '/';

	if (strcmp(zone, "UTC") == 0)
		return true;
	/* no dots, no empty parts: it stays below the folder */
	for (const char *at = zone; *at; before = *at++)
		if (*at == '/' ? before == '/'
			       : !isalnum((unsigned char)*at) && !strchr("-_+", *at))
			return false;
	if (before == '/' ||
		snprintf(path, sizeof(path), ZONE_FOLDER "%s", zone) >= (int)sizeof(path))
		return false;
	autoclose int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return file >= 0 && read(file, magic, sizeof(magic)) == sizeof(magic) &&
	       memcmp(magic, "TZif", sizeof(magic)) == 0;
}

/* ---- the clock on the wall ---- */

struct wall {
	int at[CALENDAR_FIELD_COUNT];
	int is_dst; /* as in struct tm: -1 where a time that comes twice is not told apart */
};

static struct wall wall_of(const struct tm *tm, int usec)
{
	return (struct wall){.at = {[CALENDAR_YEAR] = tm->tm_year + 1900,
				     [CALENDAR_MONTH] = tm->tm_mon + 1,
				     [CALENDAR_DAY] = tm->tm_mday,
				     [CALENDAR_HOUR] = tm->tm_hour,
				     [CALENDAR_MINUTE] = tm->tm_min,
				     [CALENDAR_SECOND] = tm->tm_sec * CALENDAR_USEC + usec},
		.is_dst = tm->tm_isdst};
}

static struct tm tm_of(const struct wall *wall)
{
	return (struct tm){.tm_year = wall->at[CALENDAR_YEAR] - 1900,
		.tm_mon = wall->at[CALENDAR_MONTH] - 1,
		.tm_mday = wall->at[CALENDAR_DAY],
		.tm_hour = wall->at[CALENDAR_HOUR],
		.tm_min = wall->at[CALENDAR_MINUTE],
		.tm_sec = wall->at[CALENDAR_SECOND] / CALENDAR_USEC,
		.tm_isdst = wall->is_dst};
}

/*
 * The microseconds since 1970 of WALL, which becomes what a clock shows then: a day 32 and an hour 24 are carried over, and a time
 * that is left out becomes as much later as is left out.
 */
static int64_t wall_settle(struct wall *wall, bool utc)
{
	int usec = wall->at[CALENDAR_SECOND] % CALENDAR_USEC;
	struct tm wanted = tm_of(wall), shown = wanted;
	time_t sec = utc ? timegm(&shown) : mktime(&shown);
	struct tm compared = shown;
	int64_t missing = utc ? 0 : timegm(&wanted) - timegm(&compared);

	if (missing > 0) { /* mktime took the side before the gap */
		sec += missing;
		localtime_r(&sec, &shown);
	}
	*wall = wall_of(&shown, usec);
	return (int64_t)sec * CALENDAR_USEC + usec;
}

static void reset_below(struct wall *wall, enum calendar_field field)
{
	while (++field < CALENDAR_FIELD_COUNT)
		wall->at[field] = calendar_ranges[field].lowest;
}

static void carry(struct wall *wall, enum calendar_field field)
{
	wall->at[field]++;
	reset_below(wall, field);
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static bool is_weekday(const struct calendar *calendar, const struct wall *wall)
{
	struct tm tm = tm_of(wall);

	timegm(&tm); /* a date has its weekday in every zone */
	return calendar->weekdays & 1u << (tm.tm_wday + 6) % 7;
}

/* ---- the search ---- */

/* The first value of SPAN that is at least LEAST, or CALENDAR_NONE. */
static int span_from(const struct calendar_span *span, int least)
{
	if (span->first >= least)
		return span->first;
	if (!span->step)
		return CALENDAR_NONE;
	int steps = (least - span->first + span->step - 1) / span->step;
	int value = span->first + steps * span->step;
	return span->last != CALENDAR_NONE && value > span->last ? CALENDAR_NONE : value;
}

static struct calendar_span counted_from_month_end(const struct calendar_span *span, int days)
{
	bool range = span->last != CALENDAR_NONE;

	return (struct calendar_span){.first = days + 1 - (range ? span->last : span->first),
		.last = range ? days + 1 - span->first : CALENDAR_NONE,
		.step = span->step};
}

/* The first value of FIELD from what WALL shows that the expression allows, or CALENDAR_NONE. */
static int choose(
	const struct calendar *calendar, const struct wall *wall, enum calendar_field field)
{
	const struct calendar_choice *choice = &calendar->choices[field];
	bool is_day = field == CALENDAR_DAY;
	int best = choice->count ? CALENDAR_NONE : wall->at[field];
	int highest = is_day ? days_in_month(wall->at[CALENDAR_YEAR], wall->at[CALENDAR_MONTH])
	                     : calendar_ranges[field].highest;

	for (size_t i = 0; i < choice->count; i++) {
		struct calendar_span span = choice->spans[i];
		if (is_day && calendar->from_month_end)
			span = counted_from_month_end(&span, highest);
		int value = span_from(&span, wall->at[field]);
		if (value != CALENDAR_NONE && (best == CALENDAR_NONE || value < best))
			best = value;
	}
	return best > highest ? CALENDAR_NONE : best;
}

enum outcome {
	STANDS, /* the field's value is allowed, and clocks show it */
	MOVED,  /* clocks jump over it: look again at what they show then */
	NONE    /* no value is left until the unit above changes */
};

static enum outcome settle(
	const struct calendar *calendar, struct wall *wall, enum calendar_field field, bool utc)
{
	int value = choose(calendar, wall, field);

	if (value == CALENDAR_NONE)
		return NONE;
	if (value != wall->at[field])
		reset_below(wall, field);
	wall->at[field] = value;

	struct wall real = *wall;
	wall_settle(&real, utc);
	for (enum calendar_field i = 0; i < CALENDAR_FIELD_COUNT; i++) {
		if (real.at[i] == wall->at[i])
			continue;
		reset_below(&real, i);
		memcpy(wall->at, real.at, sizeof(wall->at));
		return MOVED;
	}
	return STANDS;
}

/* Moves WALL on to the first time from it that the expression allows; false if there is none. */
static bool search(const struct calendar *calendar, struct wall *wall, bool utc)
{
	for (int turn = 0; turn < TURNS_MOST; turn++) {
		enum calendar_field field = CALENDAR_YEAR;
		enum outcome outcome = STANDS;

		wall_settle(wall, utc);
		wall->is_dst = -1;
		while (field < CALENDAR_FIELD_COUNT) {
			outcome = settle(calendar, wall, field, utc);
			if (outcome != STANDS)
				break;
			if (field == CALENDAR_DAY && !is_weekday(calendar, wall)) {
				carry(wall, CALENDAR_DAY);
				outcome = MOVED;
				break;
			}
			field++;
		}
		if (outcome == STANDS)
			return true;
		if (outcome == NONE && field == CALENDAR_YEAR)
			return false;
		if (outcome == NONE)
			carry(wall, field - 1);
	}
	return false;
}

/*
 * Of a time that clocks show twice without telling them apart (both are winter time, as in Asia/Pyongyang in 2015), mktime takes the
 * one with the offset of its last answer, from whatever zone that was: let it be this one's, a day before SEC.
 */
static void anchor(time_t sec)
{
	struct tm tm;

	sec -= 86400;
	if (localtime_r(&sec, &tm))
		mktime(&tm);
}

/* What clocks show at SEC, as seconds. */
static int64_t shown_at(int64_t sec)
{
	time_t time = sec;
	struct tm tm;

	return localtime_r(&time, &tm) ? timegm(&tm) : sec;
}

static int64_t offset_at(int64_t sec)
{
	return shown_at(sec) - sec;
}

/* When clocks first show SHOWN and when they do for the last time; they are the same but where clocks are set back. */
static void instants_of(int64_t shown, int64_t *first, int64_t *last)
{
	int64_t early = shown - offset_at(shown - DAY_SEC);
	int64_t late = shown - offset_at(shown + DAY_SEC);

	*first = shown_at(early) == shown ? early : late;
	*last = shown_at(late) == shown ? late : early;
}

/* AFTER and USEC are on two sides of the clocks being set back, and at both they show the same. */
static bool has_elapsed_before(int64_t usec, int64_t after_usec)
{
	int64_t sec = usec / CALENDAR_USEC, first, last;

	instants_of(shown_at(sec), &first, &last);
	return first < sec && first * CALENDAR_USEC + usec % CALENDAR_USEC <= after_usec;
}

static int next_in_zone(
	const struct calendar *calendar, bool utc, int64_t after_usec, int64_t *next_usec)
{
	int64_t from = after_usec < 0 ? 0 : after_usec;
	time_t sec;
	struct tm tm;

	if (from / CALENDAR_USEC > BEYOND_SEC)
		return 0;
	from += after_usec >= 0;
	sec = from / CALENDAR_USEC;
	if (!(utc ? gmtime_r(&sec, &tm) : localtime_r(&sec, &tm)))
		return 0;
	if (!utc)
		anchor(sec);
	struct wall wall = wall_of(&tm, (int)(from % CALENDAR_USEC));
	while (search(calendar, &wall, utc)) {
		struct wall found = wall;
		int64_t usec = wall_settle(&found, utc);
		if (usec > after_usec && (utc || !has_elapsed_before(usec, after_usec))) {
			*next_usec = usec;
			return 1;
		}
		/* clocks show it twice, AFTER is between the two: it has elapsed, and so has the rest of this minute */
		carry(&wall, CALENDAR_MINUTE);
	}
	return 0;
}

/* The first second after FROM, which is before TO, at which the offset is another. */
static int64_t find_change(int64_t from, int64_t to)
{
	int64_t offset = offset_at(from);

	while (to - from > 1) {
		int64_t middle = from + (to - from) / 2;
		if (offset_at(middle) == offset)
			from = middle;
		else
			to = middle;
	}
	return to;
}

/* When what begins at SHOWN does so for the first time after AFTER. A time that is left out is over when the clocks jump. */
static int64_t begin_of(int64_t shown_usec, int64_t after_usec)
{
	int64_t shown = shown_usec / CALENDAR_USEC, usec = shown_usec % CALENDAR_USEC;
	int64_t first, last;

	instants_of(shown, &first, &last);
	if (shown_at(first) != shown)
		return find_change(shown - DAY_SEC, shown + DAY_SEC) * CALENDAR_USEC;
	first = first * CALENDAR_USEC + usec;
	return first > after_usec ? first : last * CALENDAR_USEC + usec;
}

/* What began before the clocks were set back, and after AFTER, begins again. */
static int next_begin_after_change(
	const struct calendar *calendar, int64_t after_usec, int64_t *next_usec)
{
	int64_t sec = after_usec / CALENDAR_USEC, shown_usec;

	if (offset_at(sec + DAY_SEC) >= offset_at(sec))
		return 0;
	int64_t change = find_change(sec, sec + DAY_SEC);
	if (!next_in_zone(calendar, true, shown_at(change) * CALENDAR_USEC - 1, &shown_usec))
		return 0;
	*next_usec = shown_usec - offset_at(change) * CALENDAR_USEC;
	return *next_usec > after_usec;
}

static int next_begin_in_zone(
	const struct calendar *calendar, bool utc, int64_t after_usec, int64_t *next_usec)
{
	int64_t shown_usec, again_usec;

	if (utc || after_usec < 0 || after_usec / CALENDAR_USEC > BEYOND_SEC)
		return next_in_zone(calendar, utc, after_usec, next_usec);
	shown_usec = after_usec + offset_at(after_usec / CALENDAR_USEC) * CALENDAR_USEC;
	int found = next_in_zone(calendar, true, shown_usec, &shown_usec);
	if (found)
		*next_usec = begin_of(shown_usec, after_usec);
	if (!next_begin_after_change(calendar, after_usec, &again_usec))
		return found;
	if (!found || again_usec < *next_usec)
		*next_usec = again_usec;
	return 1;
}

/*
 * The zone's rules are glibc's, by TZ: its mktime decides what a time left out or shown twice is, systemd uses the same one, and
 * nothing in kiln is written twice. Only the environment is put back, so that child processes see the operator's: glibc keeps the
 * zone's table until TZ is another at its next look, which makes a thousand calls for one zone cost one reading of the file.
 * Nothing else in kiln shows local times.
 */
static int find(const struct calendar *calendar, const char *zone,
	int (*find_in_zone)(const struct calendar *calendar, bool utc, int64_t after_usec,
		int64_t *next_usec),
	int64_t after_usec, int64_t *next_usec)
{
	char value[PATH_MAX];
	const char *name = calendar->zone ? calendar->zone : zone;
	const char *old = getenv("TZ");

	if (calendar->utc || !name || strcmp(name, "UTC") == 0)
		return find_in_zone(calendar, true, after_usec, next_usec);
	if (!calendar_zone_is_known(name))
		return -1;
	autofree char *kept = old ? memory_copy_text(old) : NULL;
	snprintf(value, sizeof(value), ":" ZONE_FOLDER "%s", name);
	setenv("TZ", value, 1);
	tzset();
	int found = find_in_zone(calendar, false, after_usec, next_usec);
	if (kept)
		setenv("TZ", kept, 1);
	else
		unsetenv("TZ");
	return found;
}

int calendar_next(
	const struct calendar *calendar, const char *zone, int64_t after_usec, int64_t *next_usec)
{
	return find(calendar, zone, next_in_zone, after_usec, next_usec);
}

int calendar_next_begin(
	const struct calendar *calendar, const char *zone, int64_t after_usec, int64_t *next_usec)
{
	return find(calendar, zone, next_begin_in_zone, after_usec, next_usec);
}
