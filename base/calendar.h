/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Points in time that come again, as systemd writes them: "Mon..Fri *-*-* 03:30:00 Europe/Berlin". Source: systemd.time(7),
 * CALENDAR EVENTS; systemd-analyze calendar gives the same answers, but where systemd 252 loses some: "*:0/14" at midnight, the day
 * that the clocks change in Dublin, long lists of days from the month's end; and where it is asked between the two passes of a time
 * that clocks show twice: systemd lets that time elapse then, though it has. Of zones only UTC and IANA names are known, not the
 * local zone's own words ("CEST").
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

struct calendar;

/* Kind CATALOG where TEXT is none: which part is wrong, what it must be, an example. The caller frees *CALENDAR. */
int calendar_parse(const char *text, struct calendar **calendar, struct error *err);
void calendar_free(struct calendar *calendar);
DEFINE_FREEP(calendar)

/*
 * The first elapse strictly after AFTER_USEC, in *NEXT_USEC; both in microseconds since 1970. ZONE (an IANA name; NULL: UTC) counts
 * where the expression names none. 1; 0 where none comes any more (nothing elapses after the year 2199); -1 where the zone is not
 * known here. A wall time that the clocks leave out does not elapse that day; one that they show twice elapses once.
 * For programs with one thread: the environment's TZ is another one meanwhile.
 */
int calendar_next(
	const struct calendar *calendar, const char *zone, int64_t after_usec, int64_t *next_usec);

/*
 * The same of what begins then and lasts: a wall time that the clocks leave out begins as they jump over it, and one that they show
 * twice begins twice. What is to hold every night holds in these two as well.
 */
int calendar_next_begin(
	const struct calendar *calendar, const char *zone, int64_t after_usec, int64_t *next_usec);

/* The normalized form, as systemd-analyze prints it: "Mon..Fri *-*-* 03:30:00 Europe/Berlin". */
void calendar_write(const struct calendar *calendar, struct text *out);

/* Whether ZONE is an IANA name that the system has data of (under /usr/share/zoneinfo); "UTC" always is. */
bool calendar_zone_is_known(const char *zone);
