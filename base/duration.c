/* SPDX-License-Identifier: Apache-2.0 */
#include "base/duration.h"

#include <stdbool.h>
#include <string.h>

static const struct {
	const char *name;
	int64_t nsec;
} units[] = {
	{"ns", 1},
	{"us", 1000},
	{"\302\265s", 1000}, /* U+00B5 micro sign */
	{"\316\274s", 1000}, /* U+03BC Greek mu */
	{"ms", 1000000},
	{"s", 1000000000},
	{"m", 60000000000},
	{"h", 3600000000000},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int64_t read_unit(const char **text)
{
	const char *end = *text;

	while (*end && *end != '.' && !is_digit(*end))
		end++;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strlen(units[i].name) == (size_t)(end - *text) &&
			memcmp(units[i].name, *text, end - *text) == 0) {
			*text = end;
			return units[i].nsec;
		}
	}
	return 0;
}

/* One "1.5h" of a duration, added to *SUM. */
static int read_part(const char **text, int64_t *sum)
{
	int64_t whole = 0, fraction = 0;
	double scale = 1;
	bool any = false;

	for (; is_digit(**text); (*text)++, any = true)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
			__builtin_add_overflow(whole, **text - '0', &whole))
			return -1;
	if (**text == '.') {
		for ((*text)++; is_digit(**text); (*text)++, any = true) {
			if (fraction > (INT64_MAX - 9) / 10)
				continue; /* beyond what counts */
			fraction = fraction * 10 + (**text - '0');
			scale *= 10;
		}
	}
	if (!any)
		return -1;
	int64_t unit = read_unit(text);
	if (!unit || __builtin_mul_overflow(whole, unit, &whole))
		return -1;
	if (fraction && __builtin_add_overflow(whole, (int64_t)(fraction * (unit / scale)), &whole))
		return -1;
	return __builtin_add_overflow(*sum, whole, sum) ? -1 : 0;
}

int duration_parse_go(const char *text, int64_t *nsec)
{
	bool negative = *text == '-';
	int64_t sum = 0;

	if (*text == '-' || *text == '+')
		text++;
	if (strcmp(text, "0") == 0) {
		*nsec = 0;
		return 0;
	}
	if (!*text)
		return -1;
	while (*text)
		if (read_part(&text, &sum) < 0)
			return -1;
	*nsec = negative ? -sum : sum;
	return 0;
}

/* NUMBER / 10^DIGITS without trailing zeros. */
static void write_fraction(uint64_t number, int digits, struct text *out)
{
	uint64_t power = 1;

	for (int i = 0; i < digits; i++)
		power *= 10;
	text_addf(out, "%llu", (unsigned long long)(number / power));
	uint64_t rest = number % power;
	if (!rest)
		return;
	while (rest % 10 == 0) {
		rest /= 10;
		digits--;
	}
	text_addf(out, ".%0*llu", digits, (unsigned long long)rest);
}

void duration_write_go(int64_t nsec, struct text *out)
{
	uint64_t left = nsec < 0 ? -(uint64_t)nsec : (uint64_t)nsec;

	if (!left) {
		text_add(out, "0s");
		return;
	}
	if (nsec < 0)
		text_add_char(out, '-');
	if (left < 1000) {
		text_addf(out, "%lluns", (unsigned long long)left);
	} else if (left < 1000000) {
		write_fraction(left, 3, out);
		text_add(out, "\302\265s");
	} else if (left < 1000000000) {
		write_fraction(left, 6, out);
		text_add(out, "ms");
	} else {
		uint64_t minutes = left / 60000000000;
		if (minutes >= 60)
			text_addf(out, "%lluh", (unsigned long long)(minutes / 60));
		if (minutes)
			text_addf(out, "%llum", (unsigned long long)(minutes % 60));
		write_fraction(left % 60000000000, 9, out);
		text_add_char(out, 's');
	}
}

int duration_parse(const char *text, int64_t *sec)
{
	static const struct {
		char name;
		int64_t sec;
	} own[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	int64_t number = 0;
	const char *at = text;

	for (; is_digit(*at); at++)
		if (__builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, *at - '0', &number))
			return -1;
	if (at == text || !*at || at[1])
		return -1;
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (own[i].name == *at)
			return __builtin_mul_overflow(number, own[i].sec, sec) ? -1 : 0;
	return -1;
}
