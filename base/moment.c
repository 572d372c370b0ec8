/* SPDX-License-Identifier: Apache-2.0 */
#include "base/moment.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const months[] = {"January", "February", "March", "April", "May", "June", "July",
	"August", "September", "October", "November", "December"};
static const char *const days[] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

static int64_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t moment_now_usec(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t moment_elapsed_usec(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

static struct tm utc(int64_t sec)
{
	time_t seconds = sec;
	struct tm parts;

	gmtime_r(&seconds, &parts);
	return parts;
}

const char *moment_text(int64_t usec, char text[static MOMENT_TEXT_SIZE])
{
	int64_t sec = usec / 1000000 - (usec % 1000000 < 0);
	struct tm parts = utc(sec);

	if (strftime(text, MOMENT_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		text[0] = '\0';
	return text;
}

int moment_parse(const char *text, int64_t *usec)
{
	struct tm parts = {0};
	int64_t fraction = 0, scale = 1000000, offset = 0;
	const char *at = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);

	if (!at)
		return -1;
	if (*at == '.')
		for (at++; *at >= '0' && *at <= '9'; at++)
			fraction += (*at - '0') * (scale /= 10);
	if (*at == '+' || *at == '-') {
		int hours, minutes, used = 0;
		if (sscanf(at + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || used != 5 ||
			hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
			return -1;
		offset = (hours * 60 + minutes) * 60 * (*at == '-' ? -1 : 1);
		at += 6;
	} else if (*at == 'Z') {
		at++;
	} else {
		return -1;
	}
	if (*at)
		return -1;
	struct tm given = parts;
	int64_t seconds = timegm(&parts);
	if (parts.tm_mday != given.tm_mday || parts.tm_sec != given.tm_sec)
		return -1; /* no such day or second: it was carried over */
	*usec = (seconds - offset) * 1000000 + fraction;
	return 0;
}

/* ---- Go's layouts: a table of tokens, the first that fits wins, longer before shorter ---- */

enum token {
	LONG_MONTH,
	MONTH,
	NUM_MONTH,
	ZERO_MONTH,
	LONG_DAY,
	DAY,
	NUM_DAY,
	SPACE_DAY,
	ZERO_DAY,
	YEAR_DAY,
	SPACE_YEAR_DAY,
	HOUR,
	HOUR12,
	ZERO_HOUR12,
	MINUTE,
	ZERO_MINUTE,
	SECOND,
	ZERO_SECOND,
	LONG_YEAR,
	YEAR,
	PM,
	LOWER_PM,
	ZONE_NAME,
	ISO_ZONE,
	NUM_ZONE_SECONDS,
	NUM_ZONE_COLON_SECONDS,
	NUM_ZONE,
	NUM_ZONE_COLON,
	NUM_ZONE_SHORT
};

static const struct {
	const char *text;
	enum token token;
} tokens[] = {
	{"January", LONG_MONTH},
	{"Jan", MONTH},
	{"Monday", LONG_DAY},
	{"Mon", DAY},
	{"MST", ZONE_NAME},
	{"002", YEAR_DAY},
	{"01", ZERO_MONTH},
	{"02", ZERO_DAY},
	{"03", ZERO_HOUR12},
	{"04", ZERO_MINUTE},
	{"05", ZERO_SECOND},
	{"06", YEAR},
	{"15", HOUR},
	{"1", NUM_MONTH},
	{"2006", LONG_YEAR},
	{"2", NUM_DAY},
	{"__2", SPACE_YEAR_DAY},
	{"_2", SPACE_DAY},
	{"3", HOUR12},
	{"4", MINUTE},
	{"5", SECOND},
	{"PM", PM},
	{"pm", LOWER_PM},
	{"-070000", NUM_ZONE_SECONDS},
	{"-07:00:00", NUM_ZONE_COLON_SECONDS},
	{"-0700", NUM_ZONE},
	{"-07:00", NUM_ZONE_COLON},
	{"-07", NUM_ZONE_SHORT},
	{"Z070000", ISO_ZONE},
	{"Z07:00:00", ISO_ZONE},
	{"Z0700", ISO_ZONE},
	{"Z07:00", ISO_ZONE},
	{"Z07", ISO_ZONE},
};

/* "Jan" and "Mon" stand for themselves when a lower-case letter follows ("Jane", "Month"). */
static bool fits(const char *layout, size_t index)
{
	const char *text = tokens[index].text;
	size_t size = strlen(text);

	if (strncmp(layout, text, size) != 0)
		return false;
	if (tokens[index].token == MONTH || tokens[index].token == DAY)
		return !(layout[size] >= 'a' && layout[size] <= 'z');
	if (tokens[index].token == SPACE_DAY) /* "_2006" is '_' and the year */
		return strncmp(layout + 1, "2006", 4) != 0;
	return true;
}

/* How many digits a ".000", ",000", ".999" has; 0 if it is no fraction because another digit follows. */
static size_t fraction_digits(const char *layout)
{
	size_t digits = 1;

	if ((*layout != '.' && *layout != ',') || (layout[1] != '0' && layout[1] != '9'))
		return 0;
	while (layout[digits] == layout[1])
		digits++;
	return layout[digits] >= '0' && layout[digits] <= '9' ? 0 : digits - 1;
}

static void write_fraction(long nsec, const char *layout, size_t digits, struct text *out)
{
	char text[16];

	snprintf(text, sizeof(text), "%09ld", nsec);
	if (digits > 9)
		digits = 9;
	text[digits] = '\0';
	while (layout[1] == '9' && digits && text[digits - 1] == '0')
		text[--digits] = '\0';
	if (digits)
		text_addf(out, "%c%s", *layout, text);
}

static int hour12(const struct tm *t)
{
	return t->tm_hour % 12 == 0 ? 12 : t->tm_hour % 12;
}

static void write_token(enum token token, const struct tm *t, struct text *out)
{
	int year = t->tm_year + 1900;

	switch (token) {
	case LONG_MONTH:
		text_add(out, months[t->tm_mon]);
		break;
	case MONTH:
		text_addf(out, "%.3s", months[t->tm_mon]);
		break;
	case NUM_MONTH:
		text_addf(out, "%d", t->tm_mon + 1);
		break;
	case ZERO_MONTH:
		text_addf(out, "%02d", t->tm_mon + 1);
		break;
	case LONG_DAY:
		text_add(out, days[t->tm_wday]);
		break;
	case DAY:
		text_addf(out, "%.3s", days[t->tm_wday]);
		break;
	case NUM_DAY:
		text_addf(out, "%d", t->tm_mday);
		break;
	case SPACE_DAY:
		text_addf(out, "%2d", t->tm_mday);
		break;
	case ZERO_DAY:
		text_addf(out, "%02d", t->tm_mday);
		break;
	case YEAR_DAY:
		text_addf(out, "%03d", t->tm_yday + 1);
		break;
	case SPACE_YEAR_DAY:
		text_addf(out, "%3d", t->tm_yday + 1);
		break;
	case HOUR:
		text_addf(out, "%02d", t->tm_hour);
		break;
	case HOUR12:
		text_addf(out, "%d", hour12(t));
		break;
	case ZERO_HOUR12:
		text_addf(out, "%02d", hour12(t));
		break;
	case MINUTE:
		text_addf(out, "%d", t->tm_min);
		break;
	case ZERO_MINUTE:
		text_addf(out, "%02d", t->tm_min);
		break;
	case SECOND:
		text_addf(out, "%d", t->tm_sec);
		break;
	case ZERO_SECOND:
		text_addf(out, "%02d", t->tm_sec);
		break;
	case LONG_YEAR:
		text_addf(out, "%04d", year);
		break;
	case YEAR:
		text_addf(out, "%02d", year % 100);
		break;
	case PM:
		text_add(out, t->tm_hour >= 12 ? "PM" : "AM");
		break;
	case LOWER_PM:
		text_add(out, t->tm_hour >= 12 ? "pm" : "am");
		break;
	case ZONE_NAME:
		text_add(out, "UTC");
		break;
	case ISO_ZONE:
		text_add(out, "Z");
		break;
	case NUM_ZONE_SECONDS:
		text_add(out, "+000000");
		break;
	case NUM_ZONE_COLON_SECONDS:
		text_add(out, "+00:00:00");
		break;
	case NUM_ZONE:
		text_add(out, "+0000");
		break;
	case NUM_ZONE_COLON:
		text_add(out, "+00:00");
		break;
	case NUM_ZONE_SHORT:
		text_add(out, "+00");
		break;
	}
}

void moment_write_layout(int64_t sec, long nsec, const char *layout, struct text *out)
{
	struct tm parts = utc(sec);

	while (*layout) {
		size_t index = 0, count = sizeof(tokens) / sizeof(*tokens);
		size_t digits = fraction_digits(layout);

		if (digits) {
			write_fraction(nsec, layout, digits, out);
			layout += digits + 1;
			continue;
		}
		while (index < count && !fits(layout, index))
			index++;
		if (index < count) {
			write_token(tokens[index].token, &parts, out);
			layout += strlen(tokens[index].text);
		} else {
			text_add_char(out, *layout++);
		}
	}
}

void moment_write_strftime(int64_t sec, long nsec, const char *format, struct text *out)
{
	static const struct {
		char letter;
		const char *layout;
	} letters[] = {
		{'B', "January"},
		{'b', "Jan"},
		{'m', "01"},
		{'A', "Monday"},
		{'a', "Mon"},
		{'d', "02"},
		{'H', "15"},
		{'I', "03"},
		{'M', "04"},
		{'S', "05"},
		{'Y', "2006"},
		{'y', "06"},
		{'p', "PM"},
		{'Z', "MST"},
		{'z', "-0700"},
		{'L', ".000"},
	};

	for (; *format; format++) {
		size_t i = 0, count = sizeof(letters) / sizeof(*letters);
		if (*format != '%' || !format[1]) {
			text_add_char(out, *format);
			continue;
		}
		format++;
		while (i < count && letters[i].letter != *format)
			i++;
		if (i < count)
			moment_write_layout(sec, nsec, letters[i].layout, out);
		else if (*format == '%')
			text_add_char(out, '%');
		else
			text_addf(out, "%%%c", *format);
	}
}
