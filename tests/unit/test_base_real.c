/* SPDX-License-Identifier: Apache-2.0 */
#include "base/real.h"

#include <math.h>

#include "base/cleanup.h"
#include "tests/unit/check.h"

static const struct {
	double real;
	const char *plain, *go; /* without exponent; as %v */
} cases[] = {
	{0, "0", "0"},
	{-0.0, "-0", "-0"},
	{1.5, "1.5", "1.5"},
	{-12.25, "-12.25", "-12.25"},
	{0.1, "0.1", "0.1"},
	{100, "100", "100"},
	{1e20, "100000000000000000000", "100000000000000000000"},
	{1e21, "1000000000000000000000", "1e+21"},
	{1.25e23, "125000000000000000000000", "1.25e+23"},
	{0.0001, "0.0001", "0.0001"},
	{0.00001, "0.00001", "1e-05"},
	{9007199254740993.0, "9007199254740992", "9007199254740992"},
	{0.30000000000000004, "0.30000000000000004", "0.30000000000000004"},
	{INFINITY, "+Inf", "+Inf"},
	{-INFINITY, "-Inf", "-Inf"},
	{NAN, "NaN", "NaN"},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CLEANUP(text_clear) struct text plain = {0}, go = {0};
		real_add(cases[i].real, -400, 400, &plain);
		real_add(cases[i].real, -4, 21, &go);
		CHECK_TEXT(
			text_get(&plain), cases[i].plain, "%s without an exponent", cases[i].plain);
		CHECK_TEXT(text_get(&go), cases[i].go, "%s as %%v", cases[i].go);
	}
	CHECK_NUMBER(real_to_integer(-2.9), -2, "an integer is cut towards 0");
	CHECK_NUMBER(real_to_integer(1e30), INT64_MIN, "what is too large is the smallest");
	CHECK_NUMBER(real_to_integer(NAN), INT64_MIN, "so is NaN");
	return check_done();
}
