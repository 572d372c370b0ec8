/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* TAP for unit tests: one sentence a check, the plan at the end, exit 1 when a check failed. */

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int check_count, check_failures;

__attribute__((unused, format(printf, 3, 4))) static bool check_report(
	bool good, const char *place, const char *format, ...)
{
	va_list args;

	printf("%sok %d - ", good ? "" : "not ", ++check_count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	if (!good) {
		check_failures++;
		printf("# at %s\n", place);
	}
	return good;
}

#define CHECK_PLACE__(line) __FILE__ ":" #line
#define CHECK_PLACE_(line) CHECK_PLACE__(line)
#define CHECK_PLACE CHECK_PLACE_(__LINE__)

/* CHECK(condition, "sentence", ...) */
#define CHECK(condition, ...) check_report((condition), CHECK_PLACE, __VA_ARGS__)

/* CHECK_TEXT(got, wanted, "sentence"): says both when they differ. */
#define CHECK_TEXT(got, wanted, ...)                                                         \
	do {                                                                                 \
		const char *got_ = (got), *wanted_ = (wanted);                               \
		bool same_ = got_ && wanted_ ? strcmp(got_, wanted_) == 0 : got_ == wanted_; \
		if (!check_report(same_, CHECK_PLACE, __VA_ARGS__))                          \
			printf("# got:    %s\n# wanted: %s\n", got_ ? got_ : "(null)",       \
				wanted_ ? wanted_ : "(null)");                               \
	} while (0)

#define CHECK_NUMBER(got, wanted, ...)                                             \
	do {                                                                       \
		long long got_ = (got), wanted_ = (wanted);                        \
		if (!check_report(got_ == wanted_, CHECK_PLACE, __VA_ARGS__))      \
			printf("# got:    %lld\n# wanted: %lld\n", got_, wanted_); \
	} while (0)

/* main ends in: return check_done(); */
__attribute__((unused)) static int check_done(void)
{
	printf("1..%d\n", check_count);
	return check_failures ? 1 : 0;
}
