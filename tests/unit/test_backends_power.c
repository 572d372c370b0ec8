/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/power.h"

#include "tests/unit/check.h"

static void parses(void)
{
	static const char *const bad[] = {"", "shell", "shell-local:x", "shell-local:", "env",
		"env:", "outside-path", "outside-path:", "SHELL-LOCAL", ":x", " env:A"};
	enum power power = POWER_NONE;
	const char *argument = "";

	for (enum power p = POWER_NONE + 1; p < POWER_COUNT; p++)
		CHECK(power_name(p) && *power_name(p) && power_help(p) && *power_help(p),
			"power %d has a name and is explained", p);
	CHECK(power_parse("shell-local", &power, &argument) && power == POWER_SHELL_LOCAL &&
			!argument,
		"one without an argument");
	CHECK(power_parse("env:A:B", &power, &argument) && power == POWER_ENV, "one with");
	CHECK_TEXT(argument, "A:B", "all behind the first colon");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(!power_parse(bad[i], &power, &argument), "'%s' is not how a power is written",
			bad[i]);
}

static const struct {
	const char *need;
	bool granted;
} needs[] = {{"shell-local", true}, {"host-network", false}, {"env:HOME", true}, {"env:HOM", false},
	{"env:HOME2", false}, {"env:home", false}, {"outside-path:/srv/iso/a/b", true},
	{"outside-path:/srv/iso", true}, {"outside-path:/srv/iso2/a", false},
	{"outside-path:/srv", false}, {"outside-path:srv/iso/a", false},
	{"outside-path:/srv/iso/../../etc/shadow", false}, {"outside-path:/srv//iso/./a", true},
	{"outside-path:/mnt/a", true}, {"env", false}, {"nothing", false}, {"", false}};

int main(void)
{
	struct strings grants = {0};

	parses();
	CHECK(!power_is_granted(&grants, "shell-local"), "none is granted by default");
	strings_add(&grants, "shell-local");
	strings_add(&grants, "env:HOME");
	strings_add(&grants, "outside-path:/mnt/");
	strings_add(&grants, "no power");
	strings_add(&grants, "outside-path:/srv/iso");
	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++)
		CHECK(power_is_granted(&grants, needs[i].need) == needs[i].granted,
			"'%s' is %sgranted", needs[i].need, needs[i].granted ? "" : "not ");
	strings_add(&grants, "outside-path:/");
	CHECK(power_is_granted(&grants, "outside-path:/etc/hosts"), "the root covers everything");
	strings_clear(&grants);
	return check_done();
}
