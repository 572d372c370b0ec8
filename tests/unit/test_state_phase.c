/* SPDX-License-Identifier: Apache-2.0 */
#include "state/phase.h"

#include "tests/unit/check.h"

/* The moves as the design has them: the path, and what leads aside. */
static const struct {
	const char *from, *to[5];
} moves[] = {
	{"none", {"planned"}},
	{"planned", {"building", "cancelled"}},
	{"building", {"validating", "failed", "cancelled"}},
	{"validating", {"publishing", "failed", "cancelled", "unneeded"}},
	{"publishing", {"switching", "failed"}},
	{"switching", {"live"}},
	{"live", {"superseded"}},
	{"superseded", {"retiring", "live"}},
	{"retiring", {"retired"}},
};

static bool is_move(const char *from, const char *to)
{
	for (size_t i = 0; i < sizeof(moves) / sizeof(*moves); i++)
		for (size_t j = 0; strcmp(moves[i].from, from) == 0 && moves[i].to[j]; j++)
			if (strcmp(moves[i].to[j], to) == 0)
				return true;
	return false;
}

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names;
}

int main(void)
{
	static const char *const under_way[] = {
		"planned", "building", "validating", "publishing", "switching", "retiring", NULL};
	static const char *const published[] = {
		"switching", "live", "superseded", "retiring", NULL};
	int allowed = 0;

	for (enum phase phase = PHASE_NONE; phase < PHASE_COUNT; phase++) {
		const char *name = phase_name(phase);
		if (!CHECK(name && *name, "phase %d has a name", phase))
			continue;
		CHECK_NUMBER(phase_find(name), phase, "%s is found by its name", name);
		CHECK(phase_help(phase) && (phase == PHASE_NONE || *phase_help(phase)),
			"%s is explained", name);
		CHECK(phase_is_under_way(phase) == is_one_of(name, under_way),
			"somebody has to act in %s, or nobody has", name);
		CHECK(phase_is_published(phase) == is_one_of(name, published),
			"the catalog has what is %s, or has it not", name);
		for (enum phase to = PHASE_NONE; to < PHASE_COUNT; to++) {
			bool wanted = is_move(name, phase_name(to));
			CHECK(phase_can_follow(phase, to) == wanted, "from %s to %s: %s", name,
				phase_name(to), wanted ? "yes" : "no");
			allowed += wanted;
		}
	}
	CHECK_NUMBER(allowed, 17, "every move of the design is between phases that there are");
	CHECK_NUMBER(phase_find("Live"), PHASE_NONE, "a name that is none is not found");
	CHECK_NUMBER(phase_find(""), PHASE_NONE, "nor is nothing");
	return check_done();
}
