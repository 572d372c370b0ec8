/* SPDX-License-Identifier: Apache-2.0 */
#include "state/image.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/unit/check.h"

static struct error err;
static const struct digest one = {{1}}, two = {{2}};

static void keeps_repositories(struct store *store)
{
	struct repository_record record;
	CLEANUP(repository_records_clear) struct repository_records records = {0};
	int64_t zoo = 0, ark = 0;

	CHECK(repository_find_by_name(store, "zoo", &record, &err) == 0, "no repository yet");
	CHECK(repository_add(store, "zoo", "/srv/zoo", "main", false, &zoo, &err) == 0 &&
			repository_add(store, "ark", "/srv/ark", "v1", true, &ark, &err) == 0 &&
			zoo != ark && zoo && ark,
		"two repositories");
	int64_t ignored;
	CHECK(repository_add(store, "zoo", "/srv/other", "main", false, &ignored, &err) < 0,
		"no two of one name");
	CHECK(repository_add(store, "other", "/srv/zoo", "main", false, &ignored, &err) < 0,
		"nor of one place");
	if (CHECK(repository_find_by_name(store, "ark", &record, &err) == 1, "found by name")) {
		CHECK(record.id == ark && record.prefixed && !record.last_commit,
			"as it was added");
		CHECK_TEXT(record.ref, "v1", "with its ref");
		repository_record_clear(&record);
	}
	CHECK(repository_set_commit(store, zoo, "c0ffee", &err) == 0, "a commit is noted");
	if (CHECK(repository_find_by_place(store, "/srv/zoo", &record, &err) == 1,
		    "found by place")) {
		CHECK(record.id == zoo && !record.prefixed, "the right one");
		CHECK_TEXT(record.last_commit, "c0ffee", "with its commit");
		repository_record_clear(&record);
	}
	CHECK(repository_find(store, 4711, &record, &err) == 0, "none of another id");
	CHECK(repository_find(store, zoo, &record, &err) == 1, "found by its id");
	repository_record_clear(&record);
	CHECK(repositories_list(store, &records, &err) == 0 && records.count == 2 &&
			strcmp(records.items[0].name, "ark") == 0,
		"all of them, by name");
}

static void keeps_images(struct store *store)
{
	struct image_record record;
	CLEANUP(image_records_clear) struct image_records all = {0}, called = {0}, of_zoo = {0};
	int64_t cat = 0, again = 0, other = 0, dog = 0;

	CHECK(image_find(store, 1, "cat", &record, &err) == 0, "no image yet");
	CHECK(image_get(store, 1, "cat", &cat, &err) == 0 && cat, "one is made");
	CHECK(image_get(store, 1, "cat", &again, &err) == 0 && again == cat, "once");
	CHECK(image_get(store, 2, "cat", &other, &err) == 0 && other != cat,
		"the same name in another repository is another image");
	CHECK(image_get(store, 1, "ant", &dog, &err) == 0, "and one more");
	if (CHECK(image_find(store, 1, "cat", &record, &err) == 1, "found by name")) {
		CHECK(record.id == cat && record.repository == 1 && !record.held &&
				record.last_version == 0,
			"as it was made");
		CHECK_TEXT(record.repository_name, "zoo", "with the repository's name");
		image_record_clear(&record);
	}
	CHECK(image_set_held(store, cat, true, &err) == 0 &&
			image_find_by_id(store, cat, &record, &err) == 1 && record.held,
		"held");
	image_record_clear(&record);
	CHECK(image_set_held(store, cat, false, &err) == 0 &&
			image_find_by_id(store, cat, &record, &err) == 1 && !record.held,
		"released");
	image_record_clear(&record);
	CHECK(image_find_by_id(store, 4711, &record, &err) == 0, "none of another id");
	CHECK(images_list(store, 0, NULL, &all, &err) == 0 && all.count >= 3, "all images");
	CHECK(images_list(store, 0, "cat", &called, &err) == 0 && called.count == 2,
		"those of one name");
	CHECK(images_list(store, 1, "cat", &of_zoo, &err) == 0 && of_zoo.count == 1 &&
			of_zoo.items[0].id == cat,
		"of one name in one repository");
	image_records_clear(&of_zoo);
	CHECK(images_list(store, 1, NULL, &of_zoo, &err) == 0 && of_zoo.count == 2 &&
			strcmp(of_zoo.items[0].name, "ant") == 0,
		"those of one repository, by name");
}

static int64_t next_version(struct store *store, int64_t image)
{
	int64_t version = -1;

	return image_next_version(store, image, &version, &err) < 0 ? -1 : version;
}

static void gives_numbers(struct store *store)
{
	CHECK_NUMBER(next_version(store, 1), 1, "the first version is 1");
	CHECK_NUMBER(next_version(store, 1), 2, "then 2");
	CHECK_NUMBER(next_version(store, 2), 1, "another image counts for itself");
	CHECK(store_begin(store, &err) == 0 && next_version(store, 1) == 3, "3 is given");
	store_rollback(store);
	CHECK_NUMBER(next_version(store, 1), 3, "and given back with its transaction");
	CHECK(image_note_version(store, 1, 10, &err) == 0, "10 was given elsewhere");
	CHECK_NUMBER(next_version(store, 1), 11, "11 follows");
	CHECK(image_note_version(store, 1, 5, &err) == 0, "5 was too");
	CHECK_NUMBER(next_version(store, 1), 12, "which does not count back");
	CHECK(next_version(store, 4711) < 0 && err.kind == ERROR_BROKEN, "no image, no number");
}

/* "stable 2, testing 3" */
static const char *list_marks(struct store *store, enum mark mark)
{
	static struct text out;
	CLEANUP(version_marks_clear) struct version_marks marks = {0};

	text_reset(&out);
	text_add(&out, marks_list(store, 1, mark, &marks, &err) < 0 ? "error" : "");
	for (size_t i = 0; i < marks.count; i++) {
		const struct version_mark *item = &marks.items[i];
		text_addf(&out, "%s%s%s", i ? ", " : "", item->name ? item->name : "",
			item->name ? " " : "");
		if (mark == MARK_QUARANTINE || mark == MARK_EQUAL)
			text_addf(&out, "%02x ", item->closure.bytes[0]);
		text_addf(&out, "%lld", (long long)item->version);
	}
	return text_get(&out);
}

static void keeps_channels(struct store *store)
{
	int64_t version = -1;

	for (enum mark mark = MARK_CHANNEL; mark < MARK_COUNT; mark++)
		CHECK_TEXT(list_marks(store, mark), "", "no marks of kind %d yet", mark);
	CHECK(channel_find(store, 1, "stable", &version, &err) == 0 && version == 0, "no channel");
	CHECK(channel_set(store, 1, "testing", 3, &err) == 0 &&
			channel_set(store, 1, "stable", 1, &err) == 0 &&
			channel_set(store, 1, "stable", 2, &err) == 0 &&
			channel_set(store, 2, "stable", 9, &err) == 0,
		"channels are set and moved");
	CHECK_TEXT(list_marks(store, MARK_CHANNEL), "stable 2, testing 3",
		"and name what was set last");
	CHECK(channel_find(store, 1, "stable", &version, &err) == 0 && version == 2,
		"found by name");
	CHECK(channels_remove(store, 1, &err) == 0 && !*list_marks(store, MARK_CHANNEL),
		"given up");
	CHECK(channel_find(store, 2, "stable", &version, &err) == 0 && version == 9,
		"another image's stay");
}

static void keeps_marks(struct store *store)
{
	CHECK(hold_set(store, 1, 3, true, &err) == 0 && hold_set(store, 1, 3, true, &err) == 0 &&
			hold_set(store, 1, 1, true, &err) == 0 &&
			hold_set(store, 2, 7, true, &err) == 0,
		"versions are held, one twice");
	CHECK_TEXT(list_marks(store, MARK_HOLD), "1, 3", "each once");
	CHECK(hold_set(store, 1, 3, false, &err) == 0 && hold_set(store, 1, 3, false, &err) == 0,
		"released");
	CHECK_TEXT(list_marks(store, MARK_HOLD), "1", "the other is still held");

	CHECK(quarantine_add(store, 1, &one, 3, &err) == 0 &&
			quarantine_add(store, 1, &one, 3, &err) == 0 &&
			quarantine_add(store, 1, &two, 4, &err) == 0 &&
			quarantine_add(store, 1, &two, 5, &err) == 0,
		"closures are quarantined");
	CHECK_TEXT(list_marks(store, MARK_QUARANTINE), "01 3, 02 4, 02 5", "with their versions");
	CHECK(quarantine_lift(store, 1, 4, &err) == 0, "lifted of one version");
	CHECK_TEXT(list_marks(store, MARK_QUARANTINE), "01 3, 02 5", "the others stay");
	CHECK(quarantine_lift(store, 2, 0, &err) == 0 && *list_marks(store, MARK_QUARANTINE),
		"so they do when another image's are lifted");
	CHECK(quarantine_lift(store, 1, 0, &err) == 0 && !*list_marks(store, MARK_QUARANTINE),
		"lifted of the whole image");

	CHECK(equal_set(store, 1, &one, 3, &err) == 0 && equal_set(store, 1, &one, 4, &err) == 0 &&
			equal_set(store, 1, &two, 3, &err) == 0,
		"closures that gave an artifact once more");
	CHECK_TEXT(list_marks(store, MARK_EQUAL), "01 4, 02 3", "the last of a closure counts");
}

static void remembers_failures(struct store *store)
{
	struct failure_record record;
	struct error cause;

	error_set(&cause, ERROR_TRANSIENT, "no route");
	CHECK(failure_find(store, 1, &one, &record, &err) == 0, "no failure yet");
	CHECK(failure_set(store, 1, &one, &cause, 1000, &err) == 0, "a build fails");
	if (CHECK(failure_find(store, 1, &one, &record, &err) == 1, "which is remembered")) {
		CHECK(record.kind == ERROR_TRANSIENT && record.tries == 1 &&
				record.next_usec == 1000,
			"with its kind, one try and the next");
		CHECK_TEXT(record.text, "no route", "and its text");
		failure_record_clear(&record);
	}
	error_set(&cause, ERROR_CATALOG, "no such file");
	CHECK(failure_set(store, 1, &one, &cause, 0, &err) == 0, "it fails again");
	if (CHECK(failure_find(store, 1, &one, &record, &err) == 1, "still remembered")) {
		CHECK(record.kind == ERROR_CATALOG && record.tries == 2 && record.next_usec == 0,
			"one try more, and none before something changes");
		failure_record_clear(&record);
	}
	CHECK(failure_find(store, 1, &two, &record, &err) == 0, "not of another closure");
	CHECK(failure_find(store, 2, &one, &record, &err) == 0, "nor of another image");
	failure_set(store, 1, &two, &cause, 0, &err);
	CHECK(failure_forget(store, 1, &one, &err) == 0 &&
			failure_find(store, 1, &one, &record, &err) == 0,
		"one is forgotten");
	CHECK(failure_find(store, 1, &two, &record, &err) == 1, "the other is not");
	failure_record_clear(&record);
	CHECK(failure_forget(store, 1, NULL, &err) == 0 &&
			failure_find(store, 1, &two, &record, &err) == 0,
		"all are forgotten");
}

int main(void)
{
	CLEANUP(store_closep) struct store *store = NULL;

	if (CHECK(store_open_memory(&store, &err) == 0, "a store")) {
		keeps_repositories(store);
		keeps_images(store);
		gives_numbers(store);
		keeps_channels(store);
		keeps_marks(store);
		remembers_failures(store);
	}
	return check_done();
}
