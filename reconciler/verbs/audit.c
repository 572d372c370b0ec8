/* SPDX-License-Identifier: Apache-2.0 */
/* From an artifact to its commit and its inputs, and from a commit or an input to the versions that came of it. */
#include "reconciler/verbs/verbs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/closure.h"
#include "reconciler/describe.h"
#include "reconciler/lookup.h"
#include "reconciler/repository.h"
#include "state/event.h"

/* ---- what was asked for ---- */

static int add_versions(struct build_records *all, struct build_records *found)
{
	for (size_t i = 0; i < found->count; i++) {
		bool there = !found->items[i].version;
		for (size_t a = 0; a < all->count && !there; a++)
			there = strcmp(all->items[a].id, found->items[i].id) == 0;
		if (there)
			continue;
		MEMORY_GROW(all->items, all->count, all->room);
		all->items[all->count++] = found->items[i];
		found->items[i] = (struct build_record){0};
	}
	return 0;
}

/* An artifact, a file of one, or a closure. */
static int find_digest(struct head *head, const struct digest *digest,
	struct build_records *records, struct error *err)
{
	CLEANUP(build_records_clear) struct build_records artifacts = {0};
	CLEANUP(build_records_clear) struct build_records files = {0};
	CLEANUP(build_records_clear) struct build_records closures = {0};

	if (builds_of_digest(head->store, digest, &artifacts, err) < 0 ||
		builds_of_file(head->store, digest, &files, err) < 0 ||
		builds_of_closure(head->store, digest, &closures, err) < 0)
		return -1;
	add_versions(records, &artifacts);
	add_versions(records, &files);
	return add_versions(records, &closures);
}

/* The id of what is elsewhere: "ami-0a1b2c3d". */
static int find_output(
	struct head *head, const char *id, struct build_records *records, struct error *err)
{
	CLEANUP(build_records_clear) struct build_records found = {0};

	if (!*id || builds_of_output(head->store, id, &found, err) < 0)
		return *id ? -1 : 0;
	return add_versions(records, &found);
}

/* 1 if there is such a file. */
static int find_file(struct head *head, const char *folder, const char *word,
	struct build_records *records, struct error *err)
{
	autofree char *path =
		*word == '/' ? memory_copy_text(word) : memory_printf("%s/%s", folder, word);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct digest digest;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return 0;
	if (digest_of_fd(fd, &digest, err) < 0 || find_digest(head, &digest, records, err) < 0)
		return -1;
	return 1;
}

static bool is_commit(const char *word)
{
	size_t size = strlen(word);

	return size >= 4 && size <= 40 && strspn(word, "0123456789abcdef") == size;
}

static int find_commit(
	struct head *head, const char *commit, struct build_records *records, struct error *err)
{
	CLEANUP(build_records_clear) struct build_records found = {0};

	if (builds_of_commit(head->store, commit, &found, err) < 0)
		return -1;
	return add_versions(records, &found);
}

static int find_line(struct head *head, const char *kind, const char *path, bool whole,
	struct build_records *records, struct error *err)
{
	CLEANUP(digests_clear) struct digests digests = {0};
	autofree char *line = closure_line_start(kind, path, whole);

	if (closures_with_line(head->store, line, &digests, err) < 0)
		return -1;
	for (size_t i = 0; i < digests.count; i++) {
		CLEANUP(build_records_clear) struct build_records found = {0};
		if (builds_of_closure(head->store, &digests.items[i], &found, err) < 0)
			return -1;
		add_versions(records, &found);
	}
	return 0;
}

/* A path of the repository: those whose closure has it, or something below it, or looked for it. */
static int find_path(
	struct head *head, const char *path, struct build_records *records, struct error *err)
{
	autofree char *bare = memory_copy_text(path);

	if (*bare && bare[strlen(bare) - 1] == '/')
		bare[strlen(bare) - 1] = '\0';
	autofree char *below = memory_printf("%s/", bare);
	if (find_line(head, "file", bare, true, records, err) < 0 ||
		find_line(head, "file", below, false, records, err) < 0)
		return -1;
	return find_line(head, "absent", bare, false, records, err);
}

/* A branch, a tag, HEAD~2 ... of any repository that was applied. */
static int find_revision(
	struct head *head, const char *word, struct build_records *records, struct error *err)
{
	CLEANUP(repository_records_clear) struct repository_records repositories = {0};

	if (repositories_list(head->store, &repositories, err) < 0)
		return -1;
	for (size_t i = 0; i < repositories.count; i++) {
		CLEANUP(repository_close) struct repository repository = {0};
		CLEANUP(commit_clear) struct commit commit = {0};
		char hex[OBJECT_ID_HEX_SIZE];
		struct error ignored;
		if (repository_open(
			    head, repositories.items[i].place, NULL, &repository, &ignored) < 0 ||
			repository_resolve(&repository, word, &commit, &ignored) < 0)
			continue;
		if (find_commit(head, object_id_hex(&commit.id, hex), records, err) < 0)
			return -1;
	}
	return 0;
}

static int find_version(
	struct head *head, const char *word, struct build_records *records, struct error *err)
{
	CLEANUP(version_name_clear) struct version_name name = {0};
	struct build_records found = {0};
	struct build_record build;

	if (lookup_version(head, word, &name, &build, err) < 0)
		return -1;
	MEMORY_GROW(found.items, found.count, found.room);
	found.items[found.count++] = build;
	add_versions(records, &found);
	build_records_clear(&found);
	return 0;
}

/* What can be meant is tried in turn, until something is found. */
static int find(struct head *head, const char *folder, const char *word,
	struct build_records *records, struct error *err)
{
	struct digest digest;
	struct error ignored;

	if (digest_parse(word, &digest) &&
		(find_digest(head, &digest, records, err) < 0 || records->count))
		return records->count ? 0 : -1;
	if (find_output(head, word, records, err) < 0 || records->count)
		return records->count ? 0 : -1;
	if (digest_parse(word, &digest))
		return 0;
	if (strchr(word, '@') && find_version(head, word, records, err) == 0)
		return 0;
	if (strchr(word, '@') && !strchr(word, '/'))
		return -1;
	if (find_file(head, folder, word, records, err) < 0 || records->count)
		return records->count ? 0 : -1;
	if (is_commit(word) && (find_commit(head, word, records, err) < 0 || records->count))
		return records->count ? 0 : -1;
	if (find_path(head, word, records, err) < 0 || records->count)
		return records->count ? 0 : -1;
	if (find_revision(head, word, records, err) < 0 || records->count)
		return records->count ? 0 : -1;
	find_version(head, word, records, &ignored);
	return 0;
}

/* ---- what is told of each ---- */

static int add_bases(
	struct head *head, const struct build_record *build, struct json *answer, struct error *err)
{
	autojson struct json *bases = describe_column(build->bases);
	struct json *list = json_new_list();
	struct image_record own;

	json_set(answer, "base", list);
	if (image_find_by_id(head->store, build->image, &own, err) <= 0)
		return -1;
	int64_t repository = own.repository;
	image_record_clear(&own);
	for (size_t i = 0; i < json_count(bases); i++) {
		const struct json *base = json_item(bases, i);
		struct json *told = json_new_object();
		CLEANUP(build_record_clear) struct build_record of_base = {0};
		struct image_record image;
		json_add(list, told);
		json_set(told, "image", json_copy(json_get(base, "image")));
		json_set(told, "version", json_copy(json_get(base, "version")));
		json_set(told, "digest", json_copy(json_get(base, "digest")));
		int found = image_find(
			head->store, repository, json_get_text(base, "image", ""), &image, err);
		if (found > 0) {
			found = build_find_version(head->store, image.id,
				json_get_integer(base, "version", 0), &of_base, err);
			image_record_clear(&image);
		}
		if (found < 0)
			return -1;
		json_set_text(told, "commit", of_base.commit);
	}
	return 0;
}

static int add_history(
	struct head *head, const struct build_record *build, struct json *answer, struct error *err)
{
	CLEANUP(events_clear) struct events events = {0};
	struct json *ids = json_new_list();

	if (events_list(head->store, EVENTS_OF_BUILD, build->id, &events, err) < 0) {
		json_free(ids);
		return -1;
	}
	json_set(answer, "phases", describe_phases(&events));
	json_set(answer, "events", ids);
	for (size_t i = 0; i < events.count; i++)
		json_add(ids, json_new_integer(events.items[i].id));
	return 0;
}

static int add_channels(
	struct head *head, const struct build_record *build, struct json *answer, struct error *err)
{
	CLEANUP(version_marks_clear) struct version_marks marks = {0};
	struct json *channels = json_new_list();

	json_set(answer, "channels", channels);
	if (marks_list(head->store, build->image, MARK_CHANNEL, &marks, err) < 0)
		return -1;
	for (size_t i = 0; i < marks.count; i++)
		if (marks.items[i].version == build->version)
			json_add_text(channels, marks.items[i].name);
	return 0;
}

static int describe_trace(
	struct head *head, const struct build_record *build, struct json *trace, struct error *err)
{
	autofree char *name = NULL, *closure = NULL;
	struct image_record image;

	if (image_find_by_id(head->store, build->image, &image, err) <= 0)
		return -1;
	int named = describe_image(head, &image, &name, err);
	image_record_clear(&image);
	if (named < 0 || closure_find(head->store, &build->closure, &closure, NULL, err) < 0)
		return -1;
	json_set_text(trace, "image", name);
	json_set_integer(trace, "version", build->version);
	describe_digest(trace, "digest", build->has_digest, &build->digest);
	json_set_text(trace, "commit", build->commit);
	json_set_text(trace, "author", build->author);
	describe_moment(trace, "authored", build->authored_usec);
	describe_digest(trace, "closure", true, &build->closure);
	json_set(trace, "inputs", closure_to_json(closure ? closure : ""));
	json_set_text(trace, "builder", build->builder);
	json_set_text(trace, "phase", phase_name(build->phase));
	json_set(trace, "reasons", describe_column(build->reasons));
	if (add_bases(head, build, trace, err) < 0 || add_history(head, build, trace, err) < 0)
		return -1;
	return add_channels(head, build, trace, err);
}

int verb_audit(struct head *head, struct client *client, struct error *err)
{
	const char *word = json_get_text(client_arguments(client), "word", "");
	CLEANUP(build_records_clear) struct build_records records = {0};
	autojson struct json *answer = json_new_list();

	if (find(head, client_folder(client), word, &records, err) < 0)
		return -1;
	if (!records.count)
		return fail(err, ERROR_CATALOG,
			"%s: no version came of it: it is no commit that was built, no version, no "
			"digest, file or id of an artifact, and no path of a closure",
			word);
	for (size_t i = 0; i < records.count; i++) {
		struct json *trace = json_new_object();
		json_add(answer, trace);
		if (describe_trace(head, &records.items[i], trace, err) < 0)
			return -1;
	}
	client_item(client, TAKE(answer));
	client_end(client, 0);
	return 0;
}
