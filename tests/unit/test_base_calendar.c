/* SPDX-License-Identifier: Apache-2.0 */
/* With arguments EXPRESSION ZONE AFTER_SEC COUNT, any number of such fours, it prints what they give instead of testing. */
#include "base/calendar.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/moment.h"
#include "tests/unit/check.h"

/* Those of systemd.time(7), and what it leaves open. */
static const struct {
	const char *text, *form;
} forms[] = {
	{"Sat,Thu,Mon..Wed,Sat..Sun", "Mon..Thu,Sat,Sun *-*-* 00:00:00"},
	{"Mon,Sun 12-*-* 2,1:23", "Mon,Sun 2012-*-* 01,02:23:00"},
	{"Wed *-1", "Wed *-*-01 00:00:00"},
	{"Wed..Wed,Wed *-1", "Wed *-*-01 00:00:00"},
	{"Wed, 17:48", "Wed *-*-* 17:48:00"},
	{"Wed..Sat,Tue 12-10-15 1:2:3", "Tue..Sat 2012-10-15 01:02:03"},
	{"*-*-7 0:0:0", "*-*-07 00:00:00"},
	{"10-15", "*-10-15 00:00:00"},
	{"monday *-12-* 17:00", "Mon *-12-* 17:00:00"},
	{"Mon,Fri *-*-3,1,2 *:30:45", "Mon,Fri *-*-01,02,03 *:30:45"},
	{"12,14,13,12:20,10,30", "*-*-* 12,13,14:10,20,30:00"},
	{"12..14:10,20,30", "*-*-* 12..14:10,20,30:00"},
	{"mon,fri *-1/2-1,3 *:30:45", "Mon,Fri *-01/2-01,03 *:30:45"},
	{"03-05 08:05:40", "*-03-05 08:05:40"},
	{"08:05:40", "*-*-* 08:05:40"},
	{"Sat,Sun 12-05 08:05:40", "Sat,Sun *-12-05 08:05:40"},
	{"2003-03-05 05:40", "2003-03-05 05:40:00"},
	{"05:40:23.4200004/3.1700005", "*-*-* 05:40:23.420000/3.170001"},
	{"2003-02..04-05", "2003-02..04-05 00:00:00"},
	{"2003-03-05 05:40 UTC", "2003-03-05 05:40:00 UTC"},
	{"minutely", "*-*-* *:*:00"},
	{"HOURLY", "*-*-* *:00:00"},
	{"daily utc", "*-*-* 00:00:00 UTC"},
	{"monthly", "*-*-01 00:00:00"},
	{"weekly", "Mon *-*-* 00:00:00"},
	{"yearly", "*-01-01 00:00:00"},
	{"annually", "*-01-01 00:00:00"},
	{"quarterly", "*-01,04,07,10-01 00:00:00"},
	{"semi-annually", "*-01,07-01 00:00:00"},
	{"semiannually", "*-01,07-01 00:00:00"},
	{"*:2/3", "*-*-* *:02/3:00"},
	{"*-02~03", "*-02~03 00:00:00"},
	{"Mon *-05~07/1", "Mon *-05~07/1 00:00:00"},
	{"*-*~* 1:2", "*-*-* 01:02:00"},
	{"@1700000000", "2023-11-14 22:13:20 UTC"},
	{"Mon..Sun", "*-*-* 00:00:00"},
	{"sunday,MONDAY 1:0:*", "Mon,Sun *-*-* 01:00:*"},
	{"Mon-Wed 1:0", "Mon..Wed *-*-* 01:00:00"},
	{"5..6/3:5..5/2", "*-*-* 05:05:00"},
	{"0:0:1..3.5/0.5", "*-*-* 00:00:01..03.500000/0.500000"},
	{"0:0:59.9999999", NULL},
	{"70-1-1", "1970-01-01 00:00:00"},
	{"2024-01-01 ", "2024-01-01 00:00:00"},
	{"Mon Europe/Berlin", "Mon *-*-* 00:00:00 Europe/Berlin"},
	{"daily Etc/GMT+5", "*-*-* 00:00:00 Etc/GMT+5"},
};

/* What is wrong, and a part of what is said about it. */
static const struct {
	const char *text, *said;
} bad[] = {
	{"", "expected at its end"},
	{" ", "a number expected"},
	{"UTC", "a number expected at \"UTC\""},
	{"never", "a number expected at \"never\""},
	{"daily ", "a number expected"},
	{"24:00", "hour \"24\": it must be 0 to 23"},
	{"10:60", "minute \"60\": it must be 0 to 59"},
	{"10:00:60", "second \"60\": it must be 0 to 59"},
	{"2024-13-01", "month \"13\": it must be 1 to 12"},
	{"2024-00-01", "month \"00\""},
	{"*-*-32", "day \"32\": it must be 1 to 31"},
	{"*-*~29", "day from the month's end \"29\": it must be 1 to 28"},
	{"1969-01-01", "year \"1969\": it must be 1970 to 2199"},
	{"2200-01-01", "year \"2200\""},
	{"@99999999999", "year \"5138\""},
	{"@", "seconds since 1970 expected at its end"},
	{"@5 10:00", "nothing behind it expected"},
	{"22..6:00", "must begin before it ends"},
	{"20..30:00", "its range must end at 0 to 23"},
	{"20/5:00", "never reached again"},
	{"*-*~3/3", "never reached again"},
	{"*:0/0", "a repetition above 0"},
	{"0:0:0..0.5", "a range of at least a second"},
	{"0:0:1.", "digits behind the decimal point"},
	{"*:0/", "a number expected at its end"},
	{"*/5:00", "'-' (of a date) or ':' (of a time) expected at \"/5:00\""},
	{"1,:00", "a number expected at \":00\""},
	{"99999999999:00", "a smaller number"},
	{"0:0:99999", "a smaller number"},
	{"10:00 ", "':' and seconds, or the end,"},
	{"10", "':' and minutes"},
	{"Fri..Mon", "a later day of the week"},
	{"Mon..", "a weekday expected at its end"},
	{"Mon..Tue..Wed", "',' or a space"},
	{"Mond 10:00", "a weekday's end"},
	{"Mon,x", "a weekday expected at \"x\""},
	{"*~01-01", "the date's end"},
	{"2024-01-01T10:00", "',', '..', '/' or the next part"},
	{"daily Europe/Berln", "no time zone \"Europe/Berln\" is known here"},
	{"daily ../../etc/passwd", "a number expected"},
	{"02:00 CEST", "no time zone \"CEST\""},
	{"10:00 Europe", "no time zone \"Europe\""},
	{"1:00\tUTC", "',', '..', '/' or the next part expected at \"\\tUTC\""},
};

#define TIMES_MOST 4
static const struct {
	const char *text, *zone, *after;
	const char *times[TIMES_MOST]; /* up to the first NULL; "never" and "unknown" as well */
} elapses[] = {
	{"daily", NULL, "2024-02-28T12:00:00Z",
		{"2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z", "2024-03-02T00:00:00Z"}},
	{"daily", "UTC", "2024-02-29T00:00:00Z", {"2024-03-01T00:00:00Z"}}, /* strictly after */
	{"daily", "UTC", "2024-02-28T23:59:59.999999Z", {"2024-02-29T00:00:00Z"}},
	{"Fri *-*-13", "UTC", "2024-01-01T00:00:00Z",
		{"2024-09-13T00:00:00Z", "2024-12-13T00:00:00Z", "2025-06-13T00:00:00Z"}},
	{"*-02-29", "UTC", "2096-03-01T00:00:00Z", {"2104-02-29T00:00:00Z"}},
	{"*-*~1", "UTC", "2024-01-31T00:00:00Z",
		{"2024-02-29T00:00:00Z", "2024-03-31T00:00:00Z", "2024-04-30T00:00:00Z"}},
	{"Mon *-*~7..1", "UTC", "2024-01-01T00:00:00Z", {"invalid"}},
	{"Mon *-*~1..7", "UTC", "2024-01-01T00:00:00Z",
		{"2024-01-29T00:00:00Z", "2024-02-26T00:00:00Z"}},
	{"*-*~10..14/2", "UTC", "2024-02-01T00:00:00Z",
		{"2024-02-16T00:00:00Z", "2024-02-18T00:00:00Z", "2024-02-20T00:00:00Z",
			"2024-03-18T00:00:00Z"}},
	{"@1700000000", "Europe/Berlin", "2020-01-01T00:00:00Z", {"2023-11-14T22:13:20Z", "never"}},
	{"2020-01-01", "UTC", "2020-01-01T00:00:00Z", {"never"}},
	{"*-02-30", "UTC", "1970-01-01T00:00:00Z", {"never"}},
	{"2199-12-31 23:59:59", "UTC", "2024-01-01T00:00:00Z", {"2199-12-31T23:59:59Z", "never"}},
	{"daily", "UTC", "1969-01-01T00:00:00Z", {"1970-01-01T00:00:00Z"}},
	/* what systemd 252 loses: the first ones after midnight */
	{"*:0/14", "UTC", "2024-05-05T23:57:00Z", {"2024-05-06T00:00:00Z"}},
	{"*-*~25,26,28", "UTC", "2024-02-01T00:00:00Z",
		{"2024-02-02T00:00:00Z", "2024-02-04T00:00:00Z", "2024-02-05T00:00:00Z"}},
	/* the zone of the expression goes before the caller's */
	{"12:00 America/New_York", "Asia/Tokyo", "2024-01-01T00:00:00Z", {"2024-01-01T17:00:00Z"}},
	{"12:00 UTC", "Asia/Tokyo", "2024-01-01T00:00:00Z", {"2024-01-01T12:00:00Z"}},
	{"12:00", "Nowhere/Land", "2024-01-01T00:00:00Z", {"unknown"}},
	{"12:00 UTC", "Nowhere/Land", "2024-01-01T00:00:00Z", {"2024-01-01T12:00:00Z"}},
	/* an hour left out */
	{"02:30", "Europe/Berlin", "2024-03-30T00:00:00Z",
		{"2024-03-30T01:30:00Z", "2024-04-01T00:30:00Z"}},
	{"hourly", "Europe/Berlin", "2024-03-30T23:30:00Z",
		{"2024-03-31T00:00:00Z", "2024-03-31T01:00:00Z", "2024-03-31T02:00:00Z"}},
	{"*:30", "Europe/Berlin", "2024-03-31T00:00:00Z",
		{"2024-03-31T00:30:00Z", "2024-03-31T01:30:00Z"}},
	{"2..4:30", "Europe/Berlin", "2024-03-31T00:00:00Z",
		{"2024-03-31T01:30:00Z", "2024-03-31T02:30:00Z", "2024-04-01T00:30:00Z"}},
	/* and where winter time is the "summer time": there systemd loses the rest of the day */
	{"1..3:30", "Europe/Dublin", "2024-03-31T00:00:00Z",
		{"2024-03-31T01:30:00Z", "2024-03-31T02:30:00Z", "2024-04-01T00:30:00Z"}},
	{"*:55", "Europe/Dublin", "2024-03-31T00:30:00Z",
		{"2024-03-31T00:55:00Z", "2024-03-31T01:55:00Z"}},
	{"03-27", "Europe/Dublin", "2033-01-01T00:00:00Z",
		{"2033-03-27T00:00:00Z", "2034-03-26T23:00:00Z"}},
	/* half an hour; without summer time; a midnight; a whole day */
	{"2:15,35", "Australia/Lord_Howe", "2024-10-05T12:00:00Z",
		{"2024-10-05T15:35:00Z", "2024-10-06T15:15:00Z"}},
	{"*-*-01,30 04:44", "Australia/Lord_Howe", "1981-02-20T00:00:00Z",
		{"1981-02-28T18:14:00Z", "1981-03-29T18:14:00Z"}},
	{"daily", "America/Sao_Paulo", "2017-10-14T12:00:00Z", {"2017-10-16T02:00:00Z"}},
	{"*:15,45", "America/Sao_Paulo", "2017-10-15T02:50:00Z",
		{"2017-10-15T03:15:00Z", "2017-10-15T03:45:00Z"}},
	{"12:00", "Pacific/Apia", "2011-12-29T00:00:00Z",
		{"2011-12-29T22:00:00Z", "2011-12-30T22:00:00Z"}},
	/* an hour twice: each time elapses once, or from within the second one on */
	{"02:30", "Europe/Berlin", "2024-10-26T22:00:00Z",
		{"2024-10-27T00:30:00Z", "2024-10-28T01:30:00Z"}},
	{"*:0/20", "Europe/Berlin", "2024-10-27T00:00:00Z",
		{"2024-10-27T00:20:00Z", "2024-10-27T00:40:00Z", "2024-10-27T02:00:00Z"}},
	{"02:30", "Europe/Berlin", "2024-10-27T01:15:00Z", {"2024-10-28T01:30:00Z"}},
	{"*:30", "Europe/Berlin", "2024-10-27T00:45:00Z", {"2024-10-27T02:30:00Z"}},
	{"*:*:0/0.001", "Asia/Pyongyang", "2015-08-14T15:10:00Z", {"2015-08-14T15:30:00Z"}},
	{"*:*:04", "Asia/Pyongyang", "2015-08-14T14:50:00Z",
		{"2015-08-14T14:50:04Z", "2015-08-14T14:51:04Z"}},
};

static bool names_zone(const char *form)
{
	const char *last = strrchr(form, ' ');

	return isalpha((unsigned char)last[1]) && strcmp(last, " UTC") != 0;
}

static void test_forms(bool zones)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		CLEANUP(calendar_freep) struct calendar *calendar = NULL;
		CLEANUP(text_clear) struct text written = {0};
		struct error err = {0};
		if (!zones && forms[i].form && names_zone(forms[i].form))
			continue;
		int result = calendar_parse(forms[i].text, &calendar, &err);
		if (!forms[i].form) {
			CHECK_NUMBER(result, -1, "'%s' is none", forms[i].text);
			continue;
		}
		if (result == 0)
			calendar_write(calendar, &written);
		CHECK_TEXT(result == 0 ? text_get(&written) : err.text, forms[i].form,
			"'%s' is read", forms[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct calendar *calendar = NULL;
		struct error err = {0};
		CHECK_NUMBER(calendar_parse(bad[i].text, &calendar, &err), -1, "'%s' is refused",
			bad[i].text);
		if (!CHECK(strstr(err.text, bad[i].said), "with what is wrong"))
			printf("# said: %s\n", err.text);
		calendar_free(calendar);
	}
}

static void test_elapses(void)
{
	for (size_t i = 0; i < sizeof(elapses) / sizeof(*elapses); i++) {
		CLEANUP(calendar_freep) struct calendar *calendar = NULL;
		struct error err;
		int64_t usec = 0;
		char text[MOMENT_TEXT_SIZE];

		moment_parse(elapses[i].after, &usec);
		int read = calendar_parse(elapses[i].text, &calendar, &err);
		for (int n = 0; n < TIMES_MOST && elapses[i].times[n]; n++) {
			int found = read < 0
			                    ? read
			                    : calendar_next(calendar, elapses[i].zone, usec, &usec);
			CHECK_TEXT(read < 0     ? "invalid"
				   : found < 0  ? "unknown"
				   : found == 0 ? "never"
						: moment_text(usec, text),
				elapses[i].times[n], "'%s' in %s after %s, time %d",
				elapses[i].text, elapses[i].zone ? elapses[i].zone : "no zone",
				elapses[i].after, n + 1);
		}
	}
}

static void test_fractions(void)
{
	CLEANUP(calendar_freep) struct calendar *calendar = NULL;
	struct error err;
	int64_t usec = 0;

	CHECK_NUMBER(calendar_parse("*:*:1.5/0.25", &calendar, &err), 0, "fractions are read");
	CHECK(calendar_next(calendar, NULL, 0, &usec) == 1 && usec == 1500000, "the first");
	CHECK(calendar_next(calendar, NULL, usec, &usec) == 1 && usec == 1750000, "the next");
	CHECK(calendar_next(calendar, NULL, 59750000, &usec) == 1 && usec == 61500000,
		"the first of the next minute");
	CHECK_NUMBER(calendar_next(calendar, NULL, INT64_MAX - 1, &usec), 0, "none at the end");
	CHECK_NUMBER(calendar_next(calendar, "Europe/Berlin", INT64_MAX, &usec), 0, "nor there");
}

/* ---- what begins and lasts: minute by minute, beside what the zone's clock shows ---- */

/* Each minute that clocks show while SEC's offset is what it is; those that they leave out before it too. */
static bool begins_at(int64_t sec, int hour_step, int minute)
{
	time_t now = sec, before = sec - 60;
	struct tm tm, earlier;

	localtime_r(&now, &tm);
	localtime_r(&before, &earlier);
	int64_t shown = timegm(&tm) / 60, last = timegm(&earlier) / 60;
	if (shown <= last) /* set back */
		last = shown - 1;
	for (int64_t at = last + 1; at <= shown; at++)
		if (at / 60 % 24 % hour_step == 0 && at % 60 == minute)
			return true;
	return false;
}

static void test_begins(void)
{
	static const struct {
		const char *zone, *around;
	} changes[] = {{"Europe/Berlin", "2026-03-29T01:00:00Z"},
		{"Europe/Berlin", "2026-10-25T01:00:00Z"},
		{"America/New_York", "2026-03-08T07:00:00Z"},
		{"America/New_York", "2026-11-01T06:00:00Z"},
		{"Australia/Lord_Howe", "2026-04-04T15:00:00Z"},
		{"Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
		{"Africa/Casablanca", "2026-02-15T02:00:00Z"},
		{"Pacific/Apia", "2011-12-30T10:00:00Z"},
		{"Asia/Pyongyang", "2015-08-14T15:00:00Z"}};
	static const struct {
		const char *text;
		int hour_step, minute;
	} spans[] = {{"*:30", 1, 30}, {"*:00", 1, 0}, {"0/2:15", 2, 15}};

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		const char *zone = changes[i].zone;
		int64_t around, wrong = 0, begins = 0;
		moment_parse(changes[i].around, &around);
		for (size_t s = 0; s < sizeof(spans) / sizeof(*spans); s++) {
			CLEANUP(calendar_freep) struct calendar *calendar = NULL;
			struct error err;
			int64_t usec = around - INT64_C(36) * 3600 * 1000000, until = around * 2 - usec;
			calendar_parse(spans[s].text, &calendar, &err);
			setenv("TZ", zone, 1);
			tzset();
			for (int64_t sec = usec / 1000000 + 60; sec * 1000000 < until; sec += 60) {
				int64_t next;
				if (!begins_at(sec, spans[s].hour_step, spans[s].minute))
					continue;
				begins++;
				if (calendar_next_begin(calendar, zone, usec, &next) <= 0 ||
					next != sec * 1000000)
					wrong++;
				usec = sec * 1000000;
			}
			unsetenv("TZ");
		}
		CHECK(begins > 100 && !wrong, "%s around %s: %lld of %lld begin at another time", zone,
			changes[i].around, (long long)wrong, (long long)begins);
	}
}

static void test_environment(void)
{
	CLEANUP(calendar_freep) struct calendar *calendar = NULL;
	struct error err;
	int64_t usec;

	calendar_parse("daily Europe/Berlin", &calendar, &err);
	setenv("TZ", "Asia/Tokyo", 1);
	calendar_next(calendar, NULL, 0, &usec);
	CHECK_TEXT(getenv("TZ"), "Asia/Tokyo", "TZ is what it was");
	unsetenv("TZ");
	calendar_next(calendar, NULL, 0, &usec);
	CHECK(!getenv("TZ"), "and unset if it was");
}

static void test_zones(bool zones)
{
	static const char *const unknown[] = {"", "/", "Europe", "Europe/", "/Europe/Berlin",
		"Europe//Berlin", "../zoneinfo/Europe/Berlin", "Europe/Berln", "zone.tab",
		"tzdata.zi", "Europe/Berlin\t", " UTC"};

	CHECK(calendar_zone_is_known("UTC"), "UTC is known");
	if (zones)
		CHECK(calendar_zone_is_known("America/Argentina/Buenos_Aires") &&
				calendar_zone_is_known("Etc/GMT+12"),
			"zones are known");
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
		CHECK(!calendar_zone_is_known(unknown[i]), "'%s' is no zone", unknown[i]);
}

/* What random texts give is whole: it is written, read again as the same, and goes forward. */
static void test_garbage(unsigned seed)
{
	static const char alphabet[] =
		"0123456789012345678901234567890123456789**//,,..--~::  @aMFRIon\n\"\\\377";
	static const char *const starts[] = {
		"", "", "*-*-", "*:", "Mon,Fri", "*-*~", "@", "2024-01-01 10:", "daily "};
	static const char *const ends[] = {
		"", "", ":00", " UTC", " Europe/Dublin", " Pacific/Apia", "/7"};
	int good = 0, wrong = 0;
	const int rounds = 20000;

	for (int round = 0; round < rounds; round++) {
		CLEANUP(calendar_freep) struct calendar *calendar = NULL, *again = NULL;
		CLEANUP(text_clear) struct text text = {0}, first = {0}, second = {0};
		struct error err;
		int64_t after = (int64_t)(rand_r(&seed) % 4000000) * 1000000007, next;
		text_add(&text, starts[rand_r(&seed) % (sizeof(starts) / sizeof(*starts))]);
		for (int left = rand_r(&seed) % 12; left > 0; left--)
			text_add_char(&text, alphabet[rand_r(&seed) % (sizeof(alphabet) - 1)]);
		text_add(&text, ends[rand_r(&seed) % (sizeof(ends) / sizeof(*ends))]);
		if (calendar_parse(text_get(&text), &calendar, &err) < 0)
			continue;
		good++;
		calendar_write(calendar, &first);
		bool same = calendar_parse(text_get(&first), &again, &err) == 0;
		if (same)
			calendar_write(again, &second);
		int found = calendar_next(calendar, "Europe/Berlin", after, &next);
		if (!same || strcmp(text_get(&first), text_get(&second)) != 0 ||
			(found > 0 && next <= after)) {
			CLEANUP(text_clear) struct text shown = {0};
			text_add_c_escaped(&shown, text_get(&text), text.size, NULL);
			printf("# '%s' is '%s', after %" PRId64 "\n", text_get(&shown),
				text_get(&first), after);
			wrong++;
		}
	}
	CHECK(good > rounds / 50 && !wrong, "%d of %d random texts are expressions, and whole",
		good, rounds);
}

static void print(const char *text, const char *zone, int64_t after_sec, int count)
{
	CLEANUP(calendar_freep) struct calendar *calendar = NULL;
	CLEANUP(text_clear) struct text written = {0};
	int64_t usec = after_sec * 1000000;
	struct error err;

	if (calendar_parse(text, &calendar, &err) < 0) {
		printf("invalid\t%s\n", err.text);
		return;
	}
	calendar_write(calendar, &written);
	printf("%s", text_get(&written));
	while (count-- > 0) {
		int found = calendar_next(calendar, zone, usec, &usec);
		if (found <= 0) {
			printf("\t%s", found < 0 ? "unknown" : "never");
			break;
		}
		printf("\t%" PRId64, usec);
	}
	printf("\n");
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		for (int i = 1; i + 3 < argc; i += 4)
			print(argv[i], argv[i + 1], atoll(argv[i + 2]), atoi(argv[i + 3]));
		return 0;
	}
	const char *given = getenv("SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)moment_now_usec();
	bool zones = calendar_zone_is_known("Europe/Berlin");

	printf("# seed %u\n", seed);
	test_forms(zones);
	test_zones(zones);
	test_fractions();
	if (zones)
		test_begins();
	test_garbage(seed);
	if (zones) {
		test_elapses();
		test_environment();
	} else {
		CHECK(true, "times in zones # SKIP tzdata is not installed");
	}
	return check_done();
}
