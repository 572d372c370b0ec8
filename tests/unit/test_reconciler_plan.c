/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/plan.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/unit/check.h"

#define HOUR_USEC 3600000000LL
#define NOW (1000000 * HOUR_USEC)

enum { RULES = 7, VERSIONS_MOST = 3, IMAGES_MOST = 8 };

/* What is unusual about a version, and about an image. */
enum {
	OTHER_RULES = 1,
	UNPUBLISHED = 2,
	UNFOLLOWED = 4,
	BAD = 8,    /* quarantined */
	OLD = 16,   /* its build was last confirmed exactly a day ago, which is when age counts */
	YOUNG = 32, /* a second later */
	EQUALS_A = 64,

	UNDEFINED = 1,
	PROBLEM = 2,
	INCOMPLETE = 4,
	HELD = 8,
	FAILED = 16,       /* until something changes */
	FAILED_LATER = 32, /* the next try is in a microsecond */
	FAILED_DUE = 64,   /* it is now */
	NAMED = 128,
	FORCED = 256,
	AGES = 512, /* rebuild every day */
};

/* The definition's closure is 'A'. */
struct version_case {
	int number;
	enum phase phase;
	char closure;
	int flags;
};

struct plan_case {
	const char *sentence;
	int flags;
	struct version_case versions[VERSIONS_MOST];
	const char *wanted; /* as summarise() says it */
};

static struct reasons problem;
static const struct digest a_digest = {{'A'}};

static struct plan_version make_version(const struct version_case *from, int flags)
{
	bool equals = from->flags & EQUALS_A;
	int64_t age_usec = from->flags & OLD     ? 24 * HOUR_USEC
	                   : from->flags & YOUNG ? 24 * HOUR_USEC - 1000000
	                                         : HOUR_USEC;

	return (struct plan_version){
		.version = from->number,
		.phase = from->phase,
		.closure = {{(unsigned char)from->closure}},
		.equals = equals ? &a_digest : NULL,
		.equal_count = equals,
		.quarantined = from->flags & BAD,
		.validated = {{from->flags & OTHER_RULES ? RULES + 1 : RULES}},
		.confirmed_usec = NOW - age_usec,
		.due_usec = flags & AGES ? NOW - age_usec + 24 * HOUR_USEC : 0,
		.published = !(from->flags & UNPUBLISHED),
		.followed = from->phase == PHASE_LIVE && !(from->flags & UNFOLLOWED),
	};
}

static struct plan_facts make_facts(
	const char *name, int flags, const struct plan_version *versions, size_t count)
{
	static const struct reasons none;

	return (struct plan_facts){
		.name = name,
		.defined = !(flags & UNDEFINED),
		.problems = flags & PROBLEM ? &problem : &none,
		.has_closure = true,
		.complete = !(flags & INCOMPLETE),
		.closure = {{'A'}},
		.validate = {{RULES}},
		.held = flags & HELD,
		.versions = versions,
		.version_count = count,
		.failed = flags & (FAILED | FAILED_LATER | FAILED_DUE),
		.failure_kind = ERROR_TRANSIENT,
		.failure_text = "no route to host",
		.failure_next_usec = flags & FAILED_LATER ? NOW + 1
	                             : flags & FAILED_DUE ? NOW
	                                                  : 0,
		.named = flags & NAMED,
		.forced = flags & FORCED,
	};
}

/* "switch 3 revalidate closure: reverted template" */
static const char *summarise(const struct plan_decision *decision)
{
	static char *last;
	struct text out = {0};

	free(last);
	text_add(&out, action_name(decision->action));
	if (decision->switch_to)
		text_addf(&out, " %lld", (long long)decision->switch_to);
	text_add(&out, decision->revalidate ? " revalidate" : "");
	text_add(&out, decision->explain ? " explain" : "");
	text_add(&out, decision->closure_known ? "" : " unknown");
	for (size_t i = 0; i < decision->reasons.count; i++)
		text_addf(&out, "%s %s", i ? "" : ":",
			reason_kind_name(decision->reasons.items[i].kind));
	return last = text_take(&out);
}

#define LIVE(number, ...)                       \
	{                                       \
		number, PHASE_LIVE, __VA_ARGS__ \
	}
#define SUPERSEDED(number, ...)                       \
	{                                             \
		number, PHASE_SUPERSEDED, __VA_ARGS__ \
	}

static const struct plan_case cases[] = {
	/* by its closure */
	{"no version yet", 0, {{0}}, "create: new"},
	{"the live version has the closure", 0, {LIVE(1, 'A')}, "unchanged"},
	{"the live version has another closure", 0, {LIVE(1, 'B')}, "rebuild explain"},
	{"no version has the closure, none is live", 0, {SUPERSEDED(1, 'B')}, "rebuild explain"},
	{"an older version has the closure", 0, {SUPERSEDED(1, 'A'), LIVE(2, 'B')},
		"switch 1: reverted"},
	{"two older versions have it: the newer one", 0,
		{SUPERSEDED(1, 'A'), SUPERSEDED(2, 'A'), LIVE(3, 'B')}, "switch 2: reverted"},
	{"the live version and a newer one have it", 0, {LIVE(1, 'A'), SUPERSEDED(2, 'A')},
		"unchanged"},
	{"the live version's artifact came of the closure too", 0, {LIVE(1, 'B', EQUALS_A)},
		"unchanged"},
	{"so did an older version's", 0, {SUPERSEDED(1, 'C', EQUALS_A), LIVE(2, 'B')},
		"switch 1: reverted"},

	/* what a version lacks though its closure is the wanted one */
	{"validate changed", 0, {LIVE(3, 'A', OTHER_RULES)}, "switch 3 revalidate: template"},
	{"publish changed", 0, {LIVE(3, 'A', UNPUBLISHED)}, "switch 3: template"},
	{"channels changed", 0, {LIVE(3, 'A', UNFOLLOWED)}, "switch 3: template"},
	{"all three changed", 0, {LIVE(3, 'A', OTHER_RULES | UNPUBLISHED | UNFOLLOWED)},
		"switch 3 revalidate: template template template"},
	{"back to a version that never passed these rules", 0,
		{SUPERSEDED(1, 'A', OTHER_RULES), LIVE(2, 'B')},
		"switch 1 revalidate: reverted template"},
	{"back to a version that is not in every catalog", 0,
		{SUPERSEDED(1, 'A', UNPUBLISHED), LIVE(2, 'B')}, "switch 1: reverted template"},
	{"the rules of a version that is not wanted count nothing", 0,
		{SUPERSEDED(1, 'B', OTHER_RULES | UNPUBLISHED), LIVE(2, 'A')}, "unchanged"},

	/* quarantine */
	{"the older version that has it is quarantined", 0, {SUPERSEDED(1, 'A', BAD), LIVE(2, 'B')},
		"quarantined: reverted"},
	{"the live version is quarantined", 0, {LIVE(1, 'A', BAD)}, "quarantined: reverted"},
	{"the newest that has it is quarantined, an older one not", 0,
		{SUPERSEDED(1, 'A'), SUPERSEDED(2, 'A', BAD), LIVE(3, 'B')},
		"quarantined: reverted"},
	{"an older one is quarantined, the newest that has it not", 0,
		{SUPERSEDED(1, 'A', BAD), SUPERSEDED(2, 'A'), LIVE(3, 'B')}, "switch 2: reverted"},
	{"rolled back from the version that has it", 0, {LIVE(1, 'A'), SUPERSEDED(2, 'A', BAD)},
		"quarantined: reverted"},
	{"the live one is quarantined, a newer one that has it is not", 0,
		{LIVE(1, 'A', BAD), SUPERSEDED(2, 'A')}, "switch 2: reverted"},
	{"a quarantined version of another closure does not matter", 0, {LIVE(1, 'B', BAD)},
		"rebuild explain"},
	{"what is quarantined is not built again by age", AGES, {LIVE(1, 'A', BAD | OLD)},
		"quarantined: reverted"},

	/* age */
	{"a build becomes old", AGES, {LIVE(1, 'A', OLD)}, "rebuild: age"},
	{"a second before", AGES, {LIVE(1, 'A', YOUNG)}, "unchanged"},
	{"age counts only where the definition says so", 0, {LIVE(1, 'A', OLD)}, "unchanged"},
	{"old, with other rules", AGES, {LIVE(1, 'A', OLD | OTHER_RULES)}, "rebuild: age"},
	{"old, and that build failed: what is there serves on", AGES | FAILED, {LIVE(1, 'A', OLD)},
		"unchanged"},
	{"the same while the next try is to come", AGES | FAILED_LATER, {LIVE(1, 'A', OLD)},
		"unchanged"},
	{"old, and the next try has come", AGES | FAILED_DUE, {LIVE(1, 'A', OLD)}, "rebuild: age"},
	{"old, failed, and a person named it", AGES | FAILED | NAMED, {LIVE(1, 'A', OLD)},
		"rebuild: age"},

	/* failures have a memory */
	{"the closure failed", FAILED, {LIVE(1, 'B')}, "blocked: failed"},
	{"the closure of a new image failed", FAILED, {{0}}, "blocked: failed"},
	{"it failed and is tried again later", FAILED_LATER, {LIVE(1, 'B')}, "blocked: failed"},
	{"the time to try again has come", FAILED_DUE, {LIVE(1, 'B')}, "rebuild explain"},
	{"a person names what failed", FAILED | NAMED, {LIVE(1, 'B')}, "rebuild explain"},
	{"a person names it before the next try", FAILED_LATER | NAMED, {{0}}, "create: new"},
	{"naming alone builds nothing", NAMED, {LIVE(1, 'A')}, "unchanged"},
	{"a failure does not matter where nothing is built", FAILED, {LIVE(1, 'A')}, "unchanged"},
	{"nor for going back to a version", FAILED, {SUPERSEDED(1, 'A'), LIVE(2, 'B')},
		"switch 1: reverted"},
	{"the new rules were not passed", FAILED, {LIVE(1, 'A', OTHER_RULES)}, "blocked: failed"},
	{"a person wants them tried again", FAILED | NAMED, {LIVE(1, 'A', OTHER_RULES)},
		"switch 1 revalidate: template"},

	/* forced */
	{"forced without a change", FORCED, {LIVE(1, 'A')}, "rebuild: forced"},
	{"forced without a version", FORCED, {{0}}, "create: new"},
	{"forced though it failed", FORCED | FAILED, {LIVE(1, 'B')}, "rebuild: forced"},
	{"forced though quarantined", FORCED, {LIVE(1, 'A', BAD)}, "rebuild: forced"},
	{"forced though an older version has it", FORCED, {SUPERSEDED(1, 'A'), LIVE(2, 'B')},
		"rebuild: forced"},
	{"forced and held", FORCED | HELD, {LIVE(1, 'A')}, "held"},
	{"forced with a problem", FORCED | PROBLEM, {LIVE(1, 'A')}, "blocked: invalid outside"},

	/* what stands in the way */
	{"held", HELD, {LIVE(1, 'B')}, "held"},
	{"held comes before a problem", HELD | PROBLEM, {LIVE(1, 'B')}, "held"},
	{"a problem", PROBLEM, {LIVE(1, 'A')}, "blocked: invalid outside"},
	{"a problem of a new image", PROBLEM, {{0}}, "blocked: invalid outside"},
	{"a base without a version", INCOMPLETE, {LIVE(1, 'A')}, "blocked unknown: missing"},
	{"no definition any more", UNDEFINED, {LIVE(1, 'A')}, "orphaned: absent"},
	{"an orphan is no matter of force", UNDEFINED | FORCED | NAMED, {LIVE(1, 'A')},
		"orphaned: absent"},
	{"an orphan that is held", UNDEFINED | HELD, {LIVE(1, 'A')}, "orphaned: absent"},
};

static void decides_by_table(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct plan_version versions[VERSIONS_MOST];
		struct plan_decision decision;
		size_t count = 0;
		for (; count < VERSIONS_MOST && cases[i].versions[count].number; count++)
			versions[count] = make_version(&cases[i].versions[count], cases[i].flags);
		struct plan_facts facts = make_facts("debian", cases[i].flags, versions, count);
		plan_decide(&facts, 1, NOW, &decision);
		CHECK_TEXT(summarise(&decision), cases[i].wanted, "%s", cases[i].sentence);
		plan_decision_clear(&decision);
	}
}

static void says_why(void)
{
	struct version_case from = LIVE(4, 'B');
	struct plan_version version = make_version(&from, 0);
	struct plan_facts facts = make_facts("debian", FAILED_LATER, &version, 1);
	struct plan_decision decision;

	facts.failure_next_usec = 1795343319LL * 1000000;
	plan_decide(&facts, 1, NOW - 1000 * HOUR_USEC * 1000, &decision);
	const char *text = decision.reasons.count ? decision.reasons.items[0].text : "";
	CHECK(strstr(text, "no route to host"),
		"a failure that is remembered is told with its text");
	CHECK(strstr(text, "2026-11-22T10:28:39Z"), "and with the time of the next try");
	plan_decision_clear(&decision);

	facts = make_facts("debian", PROBLEM, &version, 1);
	plan_decide(&facts, 1, NOW, &decision);
	CHECK(reasons_equal(&decision.reasons, &problem), "problems are copied word for word");
	plan_decision_clear(&decision);
}

/* ---- several images ---- */

struct image_case {
	const char *name;
	int flags;
	struct version_case versions[2];
	const char *parents; /* separated by spaces */
	const char *wanted;
};

/* Decides for the images in the order that ORDER gives, and checks each. */
static int count_wrong(
	const struct image_case *images, const size_t *order, size_t count, struct text *wrong)
{
	struct plan_version versions[IMAGES_MOST][2];
	struct strings parents[IMAGES_MOST] = {{0}};
	struct plan_facts facts[IMAGES_MOST];
	struct plan_decision decisions[IMAGES_MOST];
	int bad = 0;

	for (size_t i = 0; i < count; i++) {
		const struct image_case *image = &images[order[i]];
		size_t have = 0;
		for (; have < 2 && image->versions[have].number; have++)
			versions[i][have] = make_version(&image->versions[have], image->flags);
		facts[i] = make_facts(image->name, image->flags, versions[i], have);
		if (image->parents)
			strings_split(&parents[i], image->parents, ' ');
		facts[i].parents = image->parents ? &parents[i] : NULL;
	}
	plan_decide(facts, count, NOW, decisions);
	for (size_t i = 0; i < count; i++) {
		const char *got = summarise(&decisions[i]);
		if (strcmp(got, images[order[i]].wanted) != 0) {
			text_addf(wrong, "# %s: %s, wanted %s\n", facts[i].name, got,
				images[order[i]].wanted);
			bad++;
		}
		plan_decision_clear(&decisions[i]);
		strings_clear(&parents[i]);
	}
	return bad;
}

/* In every rotation and both directions. */
static void check_images(const char *sentence, const struct image_case *images, size_t count)
{
	CLEANUP(text_clear) struct text wrong = {0};
	int bad = 0;

	for (size_t turn = 0; turn < 2 * count; turn++) {
		size_t order[IMAGES_MOST];
		for (size_t i = 0; i < count; i++)
			order[i] = turn < count ? (i + turn) % count
			                        : (2 * count - 1 - i + turn) % count;
		bad += count_wrong(images, order, count, &wrong);
	}
	if (!CHECK(bad == 0, "%s, in whatever order", sentence))
		printf("%s", text_get(&wrong));
}

#define CHECK_IMAGES(sentence, ...)                                                  \
	do {                                                                         \
		static const struct image_case images_[] = {__VA_ARGS__};            \
		check_images(sentence, images_, sizeof(images_) / sizeof(*images_)); \
	} while (0)

static void follows_parents(void)
{
	CHECK_IMAGES("what is built on a rebuilt image is rebuilt, and so on",
		{"base", 0, {LIVE(1, 'B')}, NULL, "rebuild explain"},
		{"web", 0, {LIVE(1, 'A')}, "base", "rebuild unknown: base"},
		{"shop", 0, {LIVE(1, 'A')}, "web", "rebuild unknown: base"});
	CHECK_IMAGES("what has no version yet is created on a created image",
		{"base", 0, {{0}}, NULL, "create: new"},
		{"web", INCOMPLETE, {{0}}, "base", "create unknown: base"});
	CHECK_IMAGES("nothing comes of a base that does not change",
		{"base", 0, {LIVE(1, 'A')}, NULL, "unchanged"},
		{"web", 0, {LIVE(1, 'A')}, "base", "unchanged"});
	CHECK_IMAGES("a base that goes back to an older version is another base",
		{"base", 0, {SUPERSEDED(1, 'A'), LIVE(2, 'B')}, NULL, "switch 1: reverted"},
		{"web", 0, {LIVE(1, 'A')}, "base", "rebuild unknown: base"});
	CHECK_IMAGES("a base that is only published again is the same base",
		{"base", 0, {LIVE(2, 'A', UNPUBLISHED)}, NULL, "switch 2: template"},
		{"web", 0, {LIVE(1, 'A')}, "base", "unchanged"});
	CHECK_IMAGES("a base that is only checked again is the same base",
		{"base", 0, {LIVE(2, 'A', OTHER_RULES)}, NULL, "switch 2 revalidate: template"},
		{"web", 0, {LIVE(1, 'A')}, "base", "unchanged"});
	CHECK_IMAGES("a base that is blocked stays as it is",
		{"base", PROBLEM, {LIVE(1, 'A')}, NULL, "blocked: invalid outside"},
		{"web", 0, {LIVE(1, 'B')}, "base", "rebuild explain"});
	CHECK_IMAGES("a base that is held stays as it is",
		{"base", HELD, {LIVE(1, 'B')}, NULL, "held"},
		{"web", 0, {LIVE(1, 'A')}, "base", "unchanged"});
	CHECK_IMAGES("a base that nothing defines stays as it is",
		{"base", UNDEFINED, {LIVE(1, 'A')}, NULL, "orphaned: absent"},
		{"web", 0, {LIVE(1, 'A')}, "base", "unchanged"});
	CHECK_IMAGES("a base of another plan is as the store has it",
		{"web", 0, {LIVE(1, 'A')}, "elsewhere", "unchanged"},
		{"shop", INCOMPLETE, {{0}}, "elsewhere", "blocked unknown: missing"});
	CHECK_IMAGES("what is held, has a problem or is no longer defined does not follow its base",
		{"base", FORCED, {LIVE(1, 'A')}, NULL, "rebuild: forced"},
		{"held", HELD, {LIVE(1, 'A')}, "base", "held"},
		{"wrong", PROBLEM, {LIVE(1, 'A')}, "base", "blocked: invalid outside"},
		{"gone", UNDEFINED, {LIVE(1, 'A')}, "base", "orphaned: absent"});
	CHECK_IMAGES("the second of two bases counts as well",
		{"one", 0, {LIVE(1, 'A')}, NULL, "unchanged"},
		{"two", 0, {LIVE(1, 'B')}, NULL, "rebuild explain"},
		{"both", 0, {LIVE(1, 'A')}, "one two", "rebuild unknown: base"});
}

static void blocks_circles(void)
{
	CHECK_IMAGES("an image on itself is blocked",
		{"self", 0, {LIVE(1, 'A')}, "self", "blocked: cycle"});
	CHECK_IMAGES("a circle is blocked, and what is built on it",
		{"hen", 0, {LIVE(1, 'B')}, "egg", "blocked: cycle"},
		{"egg", 0, {{0}}, "hen", "blocked: cycle"},
		{"cake", 0, {LIVE(1, 'A')}, "egg", "blocked: cycle"},
		{"bread", 0, {LIVE(1, 'A')}, NULL, "unchanged"});
	CHECK_IMAGES("also where another base of one of them is rebuilt",
		{"base", 0, {LIVE(1, 'B')}, NULL, "rebuild explain"},
		{"hen", 0, {LIVE(1, 'B')}, "base egg", "blocked: cycle"},
		{"egg", 0, {{0}}, "hen", "blocked: cycle"});
	CHECK_IMAGES("a circle of three is blocked",
		{"a", 0, {LIVE(1, 'A')}, "b", "blocked: cycle"},
		{"b", 0, {LIVE(1, 'A')}, "c", "blocked: cycle"},
		{"c", 0, {LIVE(1, 'A')}, "a", "blocked: cycle"});
}

static void has_names(void)
{
	for (enum action action = ACTION_NONE; action < ACTION_COUNT; action++) {
		const char *name = action_name(action);
		bool work = action == ACTION_CREATE || action == ACTION_REBUILD ||
		            action == ACTION_SWITCH;
		if (!CHECK(name && *name, "action %d has a name", action))
			continue;
		CHECK_NUMBER(action_find(name), action, "%s is found by its name", name);
		CHECK(action_is_work(action) == work, "%s is %swork", name, work ? "" : "no ");
	}
	CHECK_NUMBER(action_find("Create"), ACTION_NONE, "a name that is none is not found");
	for (enum reason_kind kind = REASON_NONE; kind < REASON_COUNT; kind++) {
		const char *name = reason_kind_name(kind);
		CHECK(name && *name && reason_kind_find(name) == kind,
			"reason %d is found by its name", kind);
	}
	CHECK_NUMBER(reason_kind_find(""), REASON_NONE, "no reason is called nothing");
}

static void reasons_go_round(void)
{
	struct reasons back = {0}, other = {0};
	autojson struct json *list = NULL;
	struct text out = {0};

	list = reasons_to_json(&problem);
	json_write(list, JSON_LINE, &out);
	CHECK_TEXT(text_get(&out),
		"[{\"kind\":\"invalid\",\"path\":\"kiln.json\",\"old\":null,\"new\":\"2\","
		"\"text\":\"version 2 is "
		"unknown\"},{\"kind\":\"outside\",\"path\":null,\"old\":null,"
		"\"new\":null,\"text\":\"100% outside\"}]",
		"reasons as JSON");
	text_clear(&out);
	json_add_text(list, "not of the form");
	reasons_from_json(list, &back);
	CHECK(reasons_equal(&problem, &back), "and back; what is not of the form is left out");
	CHECK_TEXT(back.count ? back.items[0].new : NULL, "2", "with what is new");
	reasons_add(&other, REASON_INVALID, "kiln.json", NULL, "2", "version 2 is unknown");
	CHECK(!reasons_equal(&problem, &other), "one reason is not two");
	reasons_add(&other, REASON_MISSING, NULL, NULL, NULL, "100%% outside");
	CHECK(!reasons_equal(&problem, &other), "reasons of another kind are others");
	reasons_clear(&back);
	reasons_clear(&other);
}

int main(void)
{
	reasons_add(&problem, REASON_INVALID, "kiln.json", NULL, "2", "version %d is unknown", 2);
	reasons_add(&problem, REASON_OUTSIDE, NULL, NULL, NULL, "100%% outside");
	decides_by_table();
	says_why();
	follows_parents();
	blocks_circles();
	has_names();
	reasons_go_round();
	reasons_clear(&problem);
	return check_done();
}
