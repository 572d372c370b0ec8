/* SPDX-License-Identifier: Apache-2.0 */
#include "state/build.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/text.h"
#include "state/event.h"
#include "state/image.h"
#include "tests/unit/check.h"

static struct error err;
static struct store *store;
static int64_t image;

/* A build in phase planned; CLOSURE is its closure's first byte. The record borrows ID. */
static struct build_record add_build(
	const char *id, const char *commit, const char *bases, unsigned char closure)
{
	static int64_t created = 1000;
	autofree char *text =
		memory_printf("kiln-closure 1\nfile a.sh %d\nfile ab.sh 7\n", closure);
	struct build_record record = {
		.id = (char *)(uintptr_t)id,
		.image = image,
		.phase = PHASE_PLANNED,
		.commit = (char *)(uintptr_t)commit,
		.author = (char *)(uintptr_t) "Ada <ada@example.org>",
		.authored_usec = 5,
		.closure = {{closure}},
		.definition = (char *)(uintptr_t) "debian.json#rootfs",
		.policy = (char *)(uintptr_t) "{\"keep\":3}",
		.reasons = (char *)(uintptr_t) "[]",
		.bases = (char *)(uintptr_t)bases,
		.builder = (char *)(uintptr_t) "rootfs",
		.created_usec = created++,
	};

	CHECK(build_add(store, &record, text, "{\"x\":1}", "zoo/debian", &err) == 0,
		"build %s is added", id);
	return record;
}

static int move(struct build_record *build, enum phase to)
{
	static int64_t usec = 2000;
	struct error cause = {ERROR_TRANSIENT, "no route"};
	struct build_move wanted = {
		.to = to, .usec = usec, .image_name = "zoo/debian", .cause = &cause, .text = "so"};

	usec++;
	return build_move(store, build, &wanted, &err);
}

static int move_all(struct build_record *build, const enum phase *path, size_t count)
{
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++)
		result = move(build, path[i]);
	return result;
}

#define MOVE(build, ...)                                   \
	move_all(build, (const enum phase[]){__VA_ARGS__}, \
		sizeof((const enum phase[]){__VA_ARGS__}) / sizeof(enum phase))

/* The ids of RECORDS with spaces between; clears them. */
static const char *ids(int result, struct build_records *records)
{
	static struct text out;

	text_reset(&out);
	text_add(&out, result < 0 ? "error" : "");
	for (size_t i = 0; i < records->count; i++)
		text_addf(&out, "%s%s", i ? " " : "", records->items[i].id);
	build_records_clear(records);
	return text_get(&out);
}

static void goes_the_whole_way(void)
{
	struct build_record build = add_build("b1", "abc123", "[]", 1), found;
	struct digest artifact = {{77}};

	CHECK(build_find(store, "b9", &found, &err) == 0, "a build that is not there is not found");
	if (CHECK(build_find(store, "b1", &found, &err) == 1, "one that is there is")) {
		CHECK(found.phase == PHASE_PLANNED && !found.version && !found.has_digest &&
				!found.artifact && !found.error_text && !found.has_validated &&
				!found.reuses && !found.started_usec && !found.ended_usec,
			"planned, and nothing more");
		CHECK_TEXT(found.definition, "debian.json#rootfs", "with its definition");
		CHECK(digest_equal(&found.closure, &build.closure), "and its closure");
		build_record_clear(&found);
	}
	CHECK(MOVE(&build, PHASE_BUILDING) == 0 && build.phase == PHASE_BUILDING, "it is built");
	CHECK(build_add_attempt(store, "b1", &err) == 0 &&
			build_add_attempt(store, "b1", &err) == 0,
		"twice");
	CHECK(build_set_artifact(store, "b1", &artifact, "{\"files\":[]}", &err) == 0,
		"it is made");
	build.digest = artifact;
	CHECK(MOVE(&build, PHASE_VALIDATING) == 0 && !build.version, "checked, without a number");
	CHECK(build_set_validated(store, "b1", &artifact, &err) == 0, "and passes");
	CHECK(MOVE(&build, PHASE_PUBLISHING) == 0 && build.version == 1, "to publishing: number 1");
	CHECK(MOVE(&build, PHASE_SWITCHING, PHASE_LIVE) == 0, "it goes live");
	if (!CHECK(build_find_version(store, image, 1, &found, &err) == 1, "found by its number"))
		return;
	CHECK(found.phase == PHASE_LIVE && found.attempts == 2 && found.has_digest &&
			digest_equal(&found.digest, &artifact) && found.has_validated,
		"with all that was noted");
	CHECK(found.started_usec && found.started_usec < found.ended_usec &&
			found.live_usec == found.ended_usec &&
			found.confirmed_usec == found.live_usec,
		"and its times in their order");
	build_record_clear(&found);
	CHECK(build_set_confirmed(store, "b1", 9999, &err) == 0 &&
			build_set_policy(store, "b1", "{}", &err) == 0 &&
			build_find(store, "b1", &found, &err) == 1 && found.confirmed_usec == 9999,
		"a later build gives the same again");
	CHECK_TEXT(found.policy, "{}", "and another policy counts");
	build_record_clear(&found);
	CHECK(MOVE(&build, PHASE_SUPERSEDED, PHASE_LIVE) == 0, "superseded and live again");
	CHECK(build_find(store, "b1", &found, &err) == 1 && found.live_usec > found.ended_usec,
		"since then, but it was published when it was");
	build_record_clear(&found);
	CHECK(MOVE(&build, PHASE_SUPERSEDED) == 0, "superseded");
}

/* Every move that state/phase.c does not have, tried on a build that is in the phase. */
static void refuses_moves(void)
{
	struct build_record build = add_build("b2", "abd", "[]", 2), other;
	size_t refused = 0, wanted = 0;

	for (enum phase from = PHASE_PLANNED; from < PHASE_COUNT; from++) {
		for (enum phase to = PHASE_NONE; to < PHASE_COUNT; to++) {
			other = build;
			other.phase = from;
			if (phase_can_follow(from, to))
				continue;
			wanted++;
			err.kind = ERROR_NONE;
			refused += MOVE(&other, to) < 0 && err.kind == ERROR_BROKEN &&
			           other.phase == from;
		}
	}
	CHECK(wanted > 100, "there are many moves that are not allowed");
	CHECK_NUMBER(refused, wanted, "each is an error of kind broken");
	other = build;
	CHECK(MOVE(&build, PHASE_BUILDING) == 0, "one that is allowed is none");
	CHECK(MOVE(&other, PHASE_CANCELLED) < 0 && err.kind == ERROR_CONFLICT,
		"a build that went on since is a conflict");
	CHECK(build_find(store, "b2", &other, &err) == 1 && other.phase == PHASE_BUILDING,
		"and stays where it went");
	build_record_clear(&other);
	CHECK(MOVE(&build, PHASE_FAILED) == 0 && build_find(store, "b2", &other, &err) == 1,
		"it fails");
	CHECK_TEXT(other.error_kind, "transient", "with the kind of the cause");
	CHECK_TEXT(other.error_text, "no route", "and its text");
	CHECK(other.ended_usec && !other.version, "it ended, and has no number");
	build_record_clear(&other);
}

static void numbers_have_no_gap(void)
{
	struct build_record build = add_build("b3", "abd", "[]", 3), next;

	MOVE(&build, PHASE_BUILDING, PHASE_VALIDATING);
	CHECK(store_begin(store, &err) == 0 && MOVE(&build, PHASE_PUBLISHING) == 0 &&
			build.version == 2,
		"a number in a transaction");
	store_rollback(store);
	build.phase = PHASE_VALIDATING;
	build.version = 0;
	CHECK(MOVE(&build, PHASE_PUBLISHING) == 0 && build.version == 2,
		"that is rolled back is given again");
	CHECK(MOVE(&build, PHASE_FAILED) == 0, "its publication fails");
	next = add_build("b4", "abe", "[{\"image\":\"base\"}]", 1);
	CHECK(MOVE(&next, PHASE_BUILDING, PHASE_VALIDATING, PHASE_PUBLISHING) == 0 &&
			next.version == 3,
		"its number is not given twice");
	CHECK(MOVE(&next, PHASE_SWITCHING, PHASE_LIVE) == 0, "the next one goes live");
	next = add_build("b5", "ffff", "[{\"image\":\"base\"}]", 5);
	CHECK(MOVE(&next, PHASE_BUILDING, PHASE_VALIDATING, PHASE_UNNEEDED) == 0 && !next.version,
		"what is unneeded gets no number");
}

static void lists_phases(void)
{
	static const enum phase path[] = {PHASE_PLANNED, PHASE_BUILDING, PHASE_VALIDATING,
		PHASE_PUBLISHING, PHASE_SWITCHING, PHASE_LIVE, PHASE_SUPERSEDED, PHASE_RETIRING,
		PHASE_RETIRED};
	struct build_records records = {0};
	struct build_record build = add_build("b6", "c0de", "[{\"image\":\"base\"}]", 6);

	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++) {
		const char *name = phase_name(path[i]);
		if (i && !CHECK(MOVE(&build, path[i]) == 0, "to %s", name))
			return;
		const char *got = ids(builds_under_way(store, &records, &err), &records);
		CHECK((strstr(got, "b6") != NULL) == phase_is_under_way(path[i]),
			"a build that is %s is under way or not", name);
		got = ids(builds_published(store, image, &records, &err), &records);
		bool has = path[i] == PHASE_LIVE || path[i] == PHASE_SUPERSEDED;
		CHECK((strstr(got, "b6") != NULL) == has, "and the catalog has it or not");
		got = ids(builds_with_bases(store, &records, &err), &records);
		has = path[i] <= PHASE_LIVE;
		CHECK((strstr(got, "b6") != NULL) == has, "and its base is needed or not");
		CHECK(strstr(got, "b4") && !strstr(got, "b1"), "as is the base of the live one");
	}
}

static void lists(void)
{
	struct build_records records = {0};
	struct build_record newest;
	struct digest artifact = {{77}}, closure = {{1}}, none = {{99}};

	CHECK_TEXT(ids(builds_of_image(store, image, &records, &err), &records),
		"b1 b2 b3 b4 b5 b6", "all builds of an image, oldest first");
	CHECK_TEXT(
		ids(builds_of_image(store, 99, &records, &err), &records), "", "of another none");
	CHECK_TEXT(ids(builds_published(store, image, &records, &err), &records), "b1 b4",
		"those that the catalog has");
	CHECK_TEXT(ids(builds_versions(store, &records, &err), &records), "b1 b3 b4 b6",
		"every version there ever was");
	CHECK_TEXT(ids(builds_of_commit(store, "abc123", &records, &err), &records), "b1",
		"those of a commit");
	CHECK_TEXT(ids(builds_of_commit(store, "ab", &records, &err), &records), "b1 b2 b3 b4",
		"of one that begins so");
	CHECK_TEXT(ids(builds_of_commit(store, "f", &records, &err), &records), "b5",
		"also at the end of the alphabet");
	CHECK_TEXT(ids(builds_of_commit(store, "abc1234", &records, &err), &records), "",
		"not of one that goes on otherwise");
	CHECK_TEXT(ids(builds_of_digest(store, &artifact, &records, &err), &records), "b1",
		"versions with an artifact");
	CHECK_TEXT(ids(builds_of_digest(store, &none, &records, &err), &records), "", "or without");
	CHECK_TEXT(ids(builds_of_closure(store, &closure, &records, &err), &records), "b1 b4",
		"versions of a closure");
	CHECK(build_find_newest(store, image, &newest, &err) == 1, "the newest");
	CHECK_TEXT(newest.id, "b6", "is the one added last");
	build_record_clear(&newest);
	CHECK(build_find_newest(store, 99, &newest, &err) == 0, "of another image there is none");
	CHECK(build_find_version(store, image, 99, &newest, &err) == 0, "nor another number");
}

static void finds_files(void)
{
	struct build_records records = {0};
	struct digest file = {{0xAB, 0xCD}}, artifact = {{77}};
	char hex[DIGEST_HEX_SIZE];
	autofree char *json =
		memory_printf("{\"files\":[{\"name\":\"rootfs.tar\",\"sha256\":\"%s\"}]}",
			digest_hex(&file, hex));

	CHECK(build_set_artifact(store, "b1", &artifact, json, &err) == 0,
		"an artifact with a file");
	CHECK_TEXT(ids(builds_of_file(store, &file, &records, &err), &records), "b1",
		"is found by the file");
	file.bytes[31] = 1;
	CHECK_TEXT(ids(builds_of_file(store, &file, &records, &err), &records), "",
		"and not by another");
}

static const char *with_line(const char *line)
{
	static char list[64];
	CLEANUP(digests_clear) struct digests digests = {0};
	bool has[16] = {0};

	if (closures_with_line(store, line, &digests, &err) < 0)
		return "error";
	for (size_t i = 0; i < digests.count; i++)
		has[digests.items[i].bytes[0] % 16] = true;
	list[0] = '\0';
	for (int i = 0; i < 16; i++)
		if (has[i])
			sprintf(list + strlen(list), "%d ", i);
	return list;
}

static void keeps_closures(void)
{
	struct digest one = {{1}}, none = {{99}};
	char *text = NULL, *notes = NULL;

	CHECK(closure_find(store, &none, &text, &notes, &err) == 0,
		"an unknown closure is not found");
	CHECK(closure_find(store, &one, &text, NULL, &err) == 1, "one that is known is");
	CHECK_TEXT(text, "kiln-closure 1\nfile a.sh 1\nfile ab.sh 7\n", "as it was");
	free(TAKE(text));
	CHECK(closure_find(store, &one, &text, &notes, &err) == 1, "with its notes");
	CHECK_TEXT(notes, "{\"x\":1}", "too");
	free(text);
	free(notes);
	CHECK_TEXT(with_line("file a.sh 3"), "3 ", "closures with a line");
	CHECK_TEXT(with_line("file a.sh "), "1 2 3 5 6 ", "with one that begins so");
	CHECK_TEXT(with_line("file a%"), "", "without patterns");
	CHECK_TEXT(with_line("a.sh 3"), "", "not with one that goes on so");
	CHECK_TEXT(with_line("FILE a.sh 3"), "", "nor in other letters");
}

static void imports(void)
{
	struct build_record record = add_build("b7", "d00d", "[]", 7), found;

	record.id = (char *)(uintptr_t) "old";
	record.phase = PHASE_SUPERSEDED;
	record.version = 40;
	record.ended_usec = 12;
	record.has_digest = true;
	record.artifact = (char *)(uintptr_t) "{}";
	CHECK(build_import(store, &record, "kiln-closure 1\n", "zoo/debian", &err) == 0,
		"a version of another store is taken over");
	if (CHECK(build_find_version(store, image, 40, &found, &err) == 1, "under its number")) {
		CHECK(found.phase == PHASE_SUPERSEDED && found.ended_usec == 12 && found.has_digest,
			"as it is");
		build_record_clear(&found);
	}
	CHECK(build_import(store, &record, "kiln-closure 1\n", "zoo/debian", &err) < 0, "but once");
	found = add_build("b8", "d00d", "[]", 8);
	CHECK(MOVE(&found, PHASE_BUILDING, PHASE_VALIDATING, PHASE_PUBLISHING) == 0 &&
			found.version == 41,
		"the next number is behind it");
}

static void keeps_the_ledger(void)
{
	CLEANUP(ledger_entries_clear) struct ledger_entries all = {0}, of_b1 = {0};

	CHECK(ledger_add(store, "b1", "folder", "/srv/x", 5, &err) == 0 &&
			ledger_add(store, "b2", "worker", "4711", 6, &err) == 0 &&
			ledger_add(store, "b1", "staged", "/srv/y", 7, &err) == 0,
		"three things are written down");
	CHECK(ledger_list(store, "b1", &of_b1, &err) == 0 && of_b1.count == 2, "two of one build");
	CHECK(of_b1.count == 2 && strcmp(of_b1.items[0].tag, "/srv/x") == 0 &&
			strcmp(of_b1.items[1].kind, "staged") == 0 &&
			of_b1.items[1].created_usec == 7,
		"in their order");
	CHECK(of_b1.count == 2 && ledger_remove(store, of_b1.items[0].id, &err) == 0,
		"one is crossed out");
	CHECK(ledger_list(store, NULL, &all, &err) == 0 && all.count == 2 &&
			strcmp(all.items[0].tag, "4711") == 0,
		"the other two are left");
}

int main(void)
{
	int64_t repository;

	if (CHECK(store_open_memory(&store, &err) == 0 &&
			    repository_add(store, "zoo", "/srv/zoo", "main", false, &repository,
				    &err) == 0 &&
			    image_get(store, repository, "debian", &image, &err) == 0,
		    "a store with an image")) {
		goes_the_whole_way();
		refuses_moves();
		numbers_have_no_gap();
		lists_phases();
		lists();
		finds_files();
		keeps_closures();
		imports();
		keeps_the_ledger();
	}
	store_close(store);
	return check_done();
}
