/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/calendar.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "reconciler/freeze.h"
#include "tests/unit/check.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

static struct service_span span_of(const char *calendar, int64_t for_sec)
{
	struct service_span span = {.for_sec = for_sec};
	struct error err;

	if (calendar_parse(calendar, &span.calendar, &err) < 0)
		abort();
	return span;
}

/* Until when switching waits at NOW; "free" if it does not. */
static const char *until(const struct service *service, const char *now)
{
	static char text[MOMENT_TEXT_SIZE];
	int64_t now_usec, until_usec;

	moment_parse(now, &now_usec);
	until_usec = freeze_until(service, "images", now_usec);
	return until_usec == 0           ? "free"
	       : until_usec == INT64_MAX ? "for ever"
	                                 : moment_text(until_usec, text);
}

static void test_freezes(void)
{
	struct service_span sunday = span_of("Sun *-*-* 02:00", DAY);
	struct service service = {.timezone = (char *)"Europe/Berlin", .freezes = {.items = &sunday, .count = 1}};

	CHECK_TEXT(until(&service, "2026-03-22T12:00:00Z"), "2026-03-23T01:00:00Z", "a Sunday is frozen");
	CHECK_TEXT(until(&service, "2026-03-23T12:00:00Z"), "free", "a Monday is not");
	CHECK_TEXT(until(&service, "2026-03-29T12:00:00Z"), "2026-03-30T01:00:00Z",
		"so is the one on which clocks jump over its beginning");
	CHECK_TEXT(until(&service, "2026-03-29T00:59:59Z"), "free", "but not before they do");
	calendar_free(sunday.calendar);

	struct service_span hours = span_of("Sat,Sun *-*-* *:00", HOUR);
	service.freezes.items = &hours;
	CHECK_TEXT(until(&service, "2026-10-25T00:30:00Z"), "2026-10-25T01:00:00Z", "an hour that comes twice is frozen");
	CHECK_TEXT(until(&service, "2026-10-25T01:30:00Z"), "2026-10-25T02:00:00Z", "both times");
	calendar_free(hours.calendar);

	struct service_span always = span_of("*:*:*", 30 * DAY);
	service.freezes.items = &always;
	CHECK_TEXT(until(&service, "2026-10-25T01:30:00.5Z"), "2026-11-24T01:30:00Z",
		"of two and a half million that are under way the last counts");
	calendar_free(always.calendar);
}

static void test_windows(void)
{
	struct service_span night = span_of("*-*-* 02:30", 2 * HOUR);
	struct service service = {.timezone = (char *)"Europe/Berlin", .windows = {.items = &night, .count = 1}};

	CHECK_TEXT(until(&service, "2026-03-28T01:45:00Z"), "free", "within a window one may switch");
	CHECK_TEXT(until(&service, "2026-03-28T12:00:00Z"), "2026-03-29T01:00:00Z", "the next one opens as clocks jump over its beginning");
	CHECK_TEXT(until(&service, "2026-03-29T01:30:00Z"), "free", "and is open then");
	CHECK_TEXT(until(&service, "2026-03-29T03:00:00Z"), "2026-03-30T00:30:00Z", "as long as it is long");
	calendar_free(night.calendar);
}

int main(void)
{
	if (calendar_zone_is_known("Europe/Berlin")) {
		test_freezes();
		test_windows();
	}
	return check_done();
}
