/* SPDX-License-Identifier: Apache-2.0 */
#include "base/real.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* DIGITS are d1 d2 ... of d1.d2... times ten to the EXPONENT. */
static void add_plain(const char *digits, int exponent, struct text *out)
{
	int count = (int)strlen(digits);

	if (exponent < 0) {
		text_add(out, "0.");
		for (int i = -1; i > exponent; i--)
			text_add_char(out, '0');
		text_add(out, digits);
		return;
	}
	for (int i = 0; i <= exponent || i < count; i++) {
		if (i == exponent + 1)
			text_add_char(out, '.');
		text_add_char(out, i < count ? digits[i] : '0');
	}
}

void real_add(double real, int least, int most, struct text *out)
{
	char text[64], digits[32];
	size_t count = 0;

	if (isnan(real) || isinf(real)) {
		text_add(out, isnan(real) ? "NaN" : real < 0 ? "-Inf" : "+Inf");
		return;
	}
	for (int precision = 1; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision - 1, fabs(real));
		if (strtod(text, NULL) == fabs(real))
			break;
	}
	const char *e = strchr(text, 'e');
	int exponent = (int)strtol(e + 1, NULL, 10);
	for (const char *c = text; c < e; c++)
		if (*c != '.')
			digits[count++] = *c;
	digits[count] = '\0';
	if (signbit(real))
		text_add_char(out, '-');
	if (exponent < least || exponent >= most)
		text_add(out, text);
	else
		add_plain(digits, exponent, out);
}

int64_t real_to_integer(double real)
{
	return fabs(real) < 0x1p63 ? (int64_t)real : INT64_MIN;
}

static bool is_digit(char c, bool hexadecimal)
{
	char lower = c | 0x20;

	return (c >= '0' && c <= '9') || (hexadecimal && lower >= 'a' && lower <= 'f');
}

bool real_underscores_fit(const char *number, size_t size)
{
	size_t at = size && (*number == '-' || *number == '+');
	bool prefix = at + 1 < size && number[at] == '0' && strchr("xXoObB", number[at + 1]);
	bool hexadecimal = prefix && (number[at + 1] | 0x20) == 'x', digit = prefix;

	for (at += prefix ? 2 : 0; at < size; at++) {
		bool next = at + 1 < size && is_digit(number[at + 1], hexadecimal);
		if (number[at] == '_' && (!digit || !next))
			return false;
		digit = is_digit(number[at], hexadecimal);
	}
	return true;
}
