/* SPDX-License-Identifier: Apache-2.0 */
#include "state/phase.h"

#include <string.h>

#define TO(phase) (1u << (PHASE_##phase))

static const struct {
	const char *name;
	unsigned next; /* a bit for each phase that may follow */
	bool under_way, published;
	const char *help;
} phases[PHASE_COUNT] = {
	[PHASE_NONE] = {"none", TO(PLANNED), false, false, ""},
	[PHASE_PLANNED] = {"planned", TO(BUILDING) | TO(CANCELLED), true, false,
		"decided, and nothing is made yet"},
	[PHASE_BUILDING] = {"building", TO(VALIDATING) | TO(FAILED) | TO(CANCELLED), true, false,
		"a worker makes the artifact"},
	[PHASE_VALIDATING] = {"validating",
		TO(PUBLISHING) | TO(FAILED) | TO(CANCELLED) | TO(UNNEEDED), true, false,
		"the artifact is checked"},
	[PHASE_PUBLISHING] = {"publishing", TO(SWITCHING) | TO(FAILED), true, false,
		"it is put into the catalogs under its number"},
	[PHASE_SWITCHING] = {"switching", TO(LIVE), true, true, "the channels move to it"},
	[PHASE_LIVE] = {"live", TO(SUPERSEDED), false, true, "`current` names it"},
	[PHASE_SUPERSEDED] = {"superseded", TO(LIVE) | TO(RETIRING), false, true,
		"another version is live; this one is kept"},
	[PHASE_RETIRING] = {"retiring", TO(RETIRED), true, true, "it is removed from the catalogs"},
	[PHASE_RETIRED] = {"retired", 0, false, false, "gone; only the history knows it"},
	[PHASE_FAILED] = {"failed", 0, false, false, "it gave no version"},
	[PHASE_CANCELLED] = {"cancelled", 0, false, false, "it was no longer wanted"},
	[PHASE_UNNEEDED] = {"unneeded", 0, false, false,
		"the result equals the live version: nothing was published"},
};

const char *phase_name(enum phase phase)
{
	return phases[phase].name;
}

enum phase phase_find(const char *name)
{
	enum phase phase = PHASE_COUNT;

	while (--phase > PHASE_NONE && strcmp(phases[phase].name, name) != 0)
		;
	return phase;
}

const char *phase_help(enum phase phase)
{
	return phases[phase].help;
}

bool phase_can_follow(enum phase from, enum phase to)
{
	return phases[from].next >> to & 1;
}

bool phase_is_under_way(enum phase phase)
{
	return phases[phase].under_way;
}

bool phase_is_published(enum phase phase)
{
	return phases[phase].published;
}
