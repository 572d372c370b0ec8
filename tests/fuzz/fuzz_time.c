/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a layout, a moment, a duration, a calendar expression. The first eight bytes are the moment written. */
#include <string.h>

#include "base/calendar.h"
#include "base/duration.h"
#include "base/moment.h"
#include "tests/fuzz/fuzz.h"

static void read_durations(const char *text)
{
	CLEANUP(text_clear) struct text out = {0};
	int64_t nsec, again, sec;

	if (duration_parse_go(text, &nsec) == 0) {
		duration_write_go(nsec, &out);
		FUZZ_CHECK(duration_parse_go(text_get(&out), &again) == 0 && again == nsec);
	}
	duration_parse(text, &sec);
}

static void read_calendar(const char *text)
{
	CLEANUP(calendar_freep) struct calendar *calendar = NULL, *again = NULL;
	CLEANUP(text_clear) struct text out = {0}, second = {0};
	struct error err;
	int64_t next;

	if (calendar_parse(text, &calendar, &err) < 0)
		return;
	calendar_write(calendar, &out);
	FUZZ_CHECK(calendar_parse(text_get(&out), &again, &err) == 0);
	calendar_write(again, &second);
	FUZZ_CHECK(strcmp(text_get(&out), text_get(&second)) == 0);
	calendar_next(calendar, "UTC", 1577934245678901, &next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(text_clear) struct text out = {0};
	int64_t sec, usec;

	if (size < sizeof(sec))
		return 0;
	memcpy(&sec, data, sizeof(sec));
	autofree char *text = memory_copy_bytes(data + sizeof(sec), size - sizeof(sec));
	long nsec = (long)((uint64_t)sec % 1000000000);
	sec %= (int64_t)1 << 40; /* the year 36812: what is written has room for */
	moment_write_layout(sec, nsec, text, &out);
	moment_write_strftime(sec, nsec, text, &out);
	moment_parse(text, &usec);
	read_durations(text);
	read_calendar(text);
	return 0;
}
