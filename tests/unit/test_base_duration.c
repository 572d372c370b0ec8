/* SPDX-License-Identifier: Apache-2.0 */
#include "base/duration.h"

#include "base/cleanup.h"
#include "tests/unit/check.h"

#define SEC 1000000000LL

/* Cases of Go's own tests. */
static const struct {
	const char *text;
	int64_t nsec;
} good[] = {{"0", 0}, {"5s", 5 * SEC}, {"30s", 30 * SEC}, {"1478s", 1478 * SEC}, {"-5s", -5 * SEC},
	{"+5s", 5 * SEC}, {"-0", 0}, {"+0", 0}, {"5.0s", 5 * SEC}, {"5.6s", 5600000000},
	{"5.s", 5 * SEC}, {".5s", SEC / 2}, {"1.0s", SEC}, {"1.00s", SEC}, {"1.004s", 1004000000},
	{"1.0040s", 1004000000}, {"100.00100s", 100001000000}, {"10ns", 10}, {"11us", 11000},
	{"12\xC2\xB5s", 12000}, {"12\xCE\xBCs", 12000}, {"13ms", 13000000}, {"14s", 14 * SEC},
	{"15m", 900 * SEC}, {"16h", 57600 * SEC}, {"3h30m", 12600 * SEC}, {"10.5s4m", 250500000000},
	{"-2m3.4s", -123400000000}, {"1h2m3s4ms5us6ns", 3723004005006},
	{"39h9m14.425s", 140954425000000}, {"52763797000ns", 52763797000},
	{"0.3333333333333333333h", 1200 * SEC}, {"9007199254740993ns", 9007199254740993},
	{"9223372036854775807ns", INT64_MAX}, {"9223372036854775.807us", INT64_MAX},
	{"9223372036s854ms775us807ns", INT64_MAX}, {"-9223372036854775807ns", -INT64_MAX},
	{"0.100000000000000000000h", 360 * SEC}};

static const char *const bad[] = {"", "3", "-", "s", ".", "-.", ".s", "+.s", "3000000h", "1 s",
	" 1s", "1s ", "1x", "1d", "--1s", "1m-2s", "9223372036854775808ns",
	"9223372036854775.808us", "9223372036854ms775us808ns", "1S", "0x1s", "1e3s"};

static const struct {
	int64_t nsec;
	const char *text;
} written[] = {{0, "0s"}, {1, "1ns"}, {1100, "1.1\xC2\xB5s"}, {2200000, "2.2ms"},
	{3300000000, "3.3s"}, {245 * SEC, "4m5s"}, {245001000000, "4m5.001s"},
	{18367001000000, "5h6m7.001s"}, {480000000001, "8m0.000000001s"}, {4200 * SEC, "1h10m0s"},
	{3600 * SEC, "1h0m0s"}, {60 * SEC, "1m0s"}, {INT64_MAX, "2562047h47m16.854775807s"},
	{INT64_MIN, "-2562047h47m16.854775808s"}, {-300000000, "-300ms"}, {1500000000, "1.5s"}};

static const struct {
	const char *text;
	int64_t sec;
} own[] = {{"90s", 90}, {"0s", 0}, {"2m", 120}, {"3h", 10800}, {"30d", 2592000}, {"", -1},
	{"d", -1}, {"5", -1}, {"-5s", -1}, {"1.5h", -1}, {"1h30m", -1}, {"5w", -1}, {"5 s", -1},
	{"5S", -1}, {" 5s", -1}, {"99999999999999999999s", -1}, {"9223372036854775807d", -1}};

int main(void)
{
	int64_t value;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		value = -1;
		CHECK(duration_parse_go(good[i].text, &value) == 0 && value == good[i].nsec,
			"%s is read as Go reads it", good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_NUMBER(
			duration_parse_go(bad[i], &value), -1, "'%s' is refused as by Go", bad[i]);
	for (size_t i = 0; i < sizeof(written) / sizeof(*written); i++) {
		CLEANUP(text_clear) struct text out = {0};
		duration_write_go(written[i].nsec, &out);
		CHECK_TEXT(text_get(&out), written[i].text, "%lld ns are written as Go does",
			(long long)written[i].nsec);
	}
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		value = -1;
		int result = duration_parse(own[i].text, &value);
		CHECK(own[i].sec < 0 ? result == -1 : result == 0 && value == own[i].sec,
			"'%s' is %skiln's own form", own[i].text, own[i].sec < 0 ? "not " : "");
	}
	return check_done();
}
