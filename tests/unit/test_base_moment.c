/* SPDX-License-Identifier: Apache-2.0 */
#include "base/moment.h"

#include "base/cleanup.h"
#include "tests/unit/check.h"

#define SAMPLE_SEC 1257894015LL /* 2009-11-10T23:00:15Z, a Tuesday, day 314 */
#define SAMPLE_NSEC 12345678L

static const struct {
	const char *text;
	int64_t usec;
} parsed[] = {{"1970-01-01T00:00:00Z", 0}, {"2026-11-22T10:28:39Z", 1795343319000000},
	{"2026-11-22T11:28:39+01:00", 1795343319000000},
	{"2026-11-22T04:58:39-05:30", 1795343319000000},
	{"2026-11-22T10:28:39.5Z", 1795343319500000},
	{"2026-11-22T10:28:39.123456789Z", 1795343319123456},
	{"2026-11-22T10:28:39.000001+00:00", 1795343319000001}, {"1969-12-31T23:59:59Z", -1000000},
	{"2024-02-29T12:00:00Z", 1709208000000000}};

static const char *const bad[] = {"", "2026-11-22", "2026-11-22T10:28:39", "2026-11-22 10:28:39Z",
	"2026-11-22T10:28:39Zx", "2026-11-22T10:28:39+0100", "2026-13-22T10:28:39Z",
	"2026-11-22T25:28:39Z", "2026-02-29T10:28:39Z", "2026-04-31T10:28:39Z",
	"2026-11-22T10:28:60Z", "2026-11-22T10:28:39+24:00", "2026-11-22T10:28:39+-1:00",
	"yesterday"};

static const struct {
	const char *layout, *text;
} layouts[] = {{"2006-01-02 15:04:05", "2009-11-10 23:00:15"},
	{"Mon Jan _2 15:04:05 2006", "Tue Nov 10 23:00:15 2009"},
	{"Monday, 02-Jan-06 15:04:05 MST", "Tuesday, 10-Nov-09 23:00:15 UTC"},
	{"2006-01-02T15:04:05Z07:00", "2009-11-10T23:00:15Z"},
	{"-0700 -07:00 -07", "+0000 +00:00 +00"}, {"3:04PM 3:4:5pm 03", "11:00PM 11:0:15pm 11"},
	{"January 1 2", "November 11 10"}, {".000 .000000000 ,000", ".012 .012345678 ,012"},
	{".999 .9", ".012"
		    " "},
	{"002 __2", "314 314"}, {"Jane Month Mon", "Jane Month Tue"}, {"_2006", "_2009"},
	{"x", "x"}, {"", ""}};

static const char *text_of(int64_t usec)
{
	static char text[MOMENT_TEXT_SIZE];

	return moment_text(usec, text);
}

int main(void)
{
	int64_t usec, before = moment_elapsed_usec();

	CHECK(moment_now_usec() > 1700000000000000, "the clock shows this century");
	CHECK(moment_elapsed_usec() >= before, "the other one does not go back");
	for (size_t i = 0; i < sizeof(parsed) / sizeof(*parsed); i++) {
		usec = 1;
		CHECK(moment_parse(parsed[i].text, &usec) == 0 && usec == parsed[i].usec,
			"%s is read", parsed[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_NUMBER(moment_parse(bad[i], &usec), -1, "'%s' is not of the form", bad[i]);
	CHECK_TEXT(text_of(1795343319999999), "2026-11-22T10:28:39Z", "whole seconds, cut");
	CHECK_TEXT(text_of(-1), "1969-12-31T23:59:59Z", "also before 1970");
	CHECK_TEXT(text_of(1709208000000000), "2024-02-29T12:00:00Z", "a leap day");

	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
		CLEANUP(text_clear) struct text out = {0};
		moment_write_layout(SAMPLE_SEC, SAMPLE_NSEC, layouts[i].layout, &out);
		CHECK_TEXT(
			text_get(&out), layouts[i].text, "'%s' as Go fills it", layouts[i].layout);
	}
	CLEANUP(text_clear) struct text out = {0};
	moment_write_layout(SAMPLE_SEC, 0, "5.999 5.000", &out);
	CHECK_TEXT(text_get(&out), "15 15.000", "zeros go where nines ask for the fraction");
	text_reset(&out);
	moment_write_strftime(SAMPLE_SEC, SAMPLE_NSEC,
		"%B %b %m %A %a %d %H %I %M %S %Y %y %p %Z %z %L %% %Q 2006", &out);
	CHECK_TEXT(text_get(&out),
		"November Nov 11 Tuesday Tue 10 23 11 00 15 2009 09 PM UTC +0000 .012 % %Q 2006",
		"strftime's letters, and what is none");
	return check_done();
}
