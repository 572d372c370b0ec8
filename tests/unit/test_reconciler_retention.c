/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/retention.h"

#include "tests/unit/check.h"

enum { DAY_SEC = 24 * 3600, VERSIONS_MOST = 12 };
#define DAY_USEC (DAY_SEC * 1000000LL)
#define NOW (20000 * DAY_USEC)

/*
 * Versions as a word, oldest first and a day apart, the last of today: s superseded, L live, n named by a channel, h held,
 * u used, r retiring, b building.
 */
static size_t make_versions(const char *word, struct retention_version *versions)
{
	size_t count = strlen(word);

	for (size_t i = 0; i < count; i++) {
		versions[i] = (struct retention_version){
			.version = (int64_t)i + 1,
			.phase = word[i] == 'L'   ? PHASE_LIVE
		                 : word[i] == 'r' ? PHASE_RETIRING
		                 : word[i] == 'b' ? PHASE_BUILDING
		                                  : PHASE_SUPERSEDED,
			.ended_usec = NOW - (int64_t)(count - 1 - i) * DAY_USEC,
			.named = word[i] == 'n',
			.held = word[i] == 'h',
			.used = word[i] == 'u',
		};
	}
	return count;
}

struct retention_case {
	const char *sentence, *versions, *wanted; /* '-' goes, '.' stays */
	struct retention_rules rules;
	size_t most;
};

static const struct retention_case cases[] = {
	{"the last three stay", "sssssL", "---...", {3, 0}, 99},
	{"the live one is among them", "sssL", "---.", {1, 0}, 99},
	{"the live one stays wherever it stands", "Lssss", ".---.", {1, 0}, 99},
	{"also when none is kept", "ssLs", "--.-", {0, 0}, 99},
	{"fewer than are kept", "sL", "..", {3, 0}, 99},
	{"none at all", "", "", {3, 0}, 99},
	{"what a channel names stays", "snssL", "-.--.", {1, 0}, 99},
	{"what is held stays", "shsL", "-.-.", {1, 0}, 99},
	{"what is used as a base stays", "susL", "-.-.", {1, 0}, 99},
	{"what is not published is not retired", "srbL", "-...", {0, 0}, 99},
	{"what is younger than three days stays", "sssssL", "---...", {1, 3 * DAY_SEC}, 99},
	{"exactly as old is not younger", "ssL", "-..", {1, 2 * DAY_SEC}, 99},
	{"the last ones stay however old", "sssssL", "--....", {4, 1 * DAY_SEC}, 99},
	{"no more than so many at once, the oldest first", "ssssssL", "--.....", {1, 0}, 2},
	{"what stays does not count among them", "hnsssL", "..--..", {1, 0}, 2},
	{"none at once", "sssL", "....", {1, 0}, 0},
};

static void chooses_by_table(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct retention_version versions[VERSIONS_MOST];
		char got[VERSIONS_MOST + 1] = "";
		size_t count = make_versions(cases[i].versions, versions), wanted_count = 0;
		size_t chosen =
			retention_choose(versions, count, &cases[i].rules, NOW, cases[i].most);
		for (size_t j = 0; j < count; j++) {
			got[j] = versions[j].retire ? '-' : '.';
			wanted_count += cases[i].wanted[j] == '-';
		}
		CHECK_TEXT(got, cases[i].wanted, "%s", cases[i].sentence);
		CHECK_NUMBER(chosen, wanted_count, "and so many are counted");
	}
}

static void says_why_not(void)
{
	struct retention_version versions[VERSIONS_MOST];

	make_versions("Lnhurbs", versions);
	for (size_t i = 0; i < 6; i++)
		CHECK(retention_why_not(&versions[i]), "%c stays, and it is said why", "Lnhurb"[i]);
	CHECK_TEXT(retention_why_not(&versions[6]), NULL, "what nothing keeps may go");
	versions[0].named = versions[0].held = true;
	CHECK_TEXT(retention_why_not(&versions[0]), "it is live", "that it is live is said first");
}

/* ---- whatever there is ---- */

static unsigned seed = 4711;

static unsigned chance(unsigned count)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % count;
}

static const char *try_once(void)
{
	struct retention_version versions[VERSIONS_MOST];
	char word[VERSIONS_MOST + 1] = "";
	size_t count = chance(VERSIONS_MOST + 1), most = chance(5), set = 0;
	struct retention_rules rules = {chance(5), chance(2) * chance(8) * DAY_SEC};

	for (size_t i = 0; i < count; i++)
		word[i] = "sssssLnhurb"[chance(11)];
	make_versions(word, versions);
	size_t chosen = retention_choose(versions, count, &rules, NOW, most);
	for (size_t i = 0; i < count; i++) {
		const struct retention_version *version = &versions[i];
		set += version->retire;
		if (version->retire && retention_why_not(version))
			return "what must stay was taken";
		if (version->retire && (int64_t)(count - i) <= rules.keep_last)
			return "one of the last was taken";
		if (version->retire && NOW - version->ended_usec < rules.keep_younger_sec * 1000000)
			return "a young one was taken";
	}
	if (set > most || set != chosen)
		return "another number than it says";
	return NULL;
}

static void never_takes(void)
{
	const char *wrong = NULL;

	for (int i = 0; i < 20000 && !wrong; i++)
		wrong = try_once();
	CHECK_TEXT(wrong, NULL, "of 20000 lists none loses what must stay, nor more than allowed");
}

int main(void)
{
	chooses_by_table();
	says_why_not();
	never_takes();
	return check_done();
}
