/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "reconciler/schedule.h"

static void image_facts_clear(struct image_facts *facts)
{
	for (size_t i = 0; facts->equals && i < facts->builds.count; i++)
		free(facts->equals[i]);
	free(facts->equals);
	free(facts->versions);
	indexed_image_clear(&facts->wanted);
	build_records_clear(&facts->builds);
	failure_record_clear(&facts->failure);
}

void repository_facts_clear(struct repository_facts *facts)
{
	for (size_t i = 0; i < facts->count; i++)
		image_facts_clear(&facts->items[i]);
	free(facts->items);
	*facts = (struct repository_facts){0};
}

/* ---- versions ---- */

/* Every catalog of WANTED is among those that the version was published to. */
static bool is_published(const struct build_record *build, const struct json *wanted)
{
	CLEANUP(strings_clear) struct strings done = {0};
	autojson struct json *policy = NULL;
	struct error ignored;

	if (json_parse_bytes(build->policy, strlen(build->policy), &policy, &ignored) < 0)
		return false;
	json_get_texts(policy, "published", &done);
	for (size_t i = 0; i < json_count(wanted); i++)
		if (!strings_has(&done, json_text(json_item(wanted, i), "")))
			return false;
	return true;
}

/* The channels that follow `current` do. */
static bool is_followed(
	const struct json *wanted, const struct version_marks *channels, int64_t version)
{
	for (size_t i = 0; i < json_count(wanted); i++) {
		const char *name = json_text(json_item(wanted, i), "");
		bool names = false;
		for (size_t c = 0; c < channels->count; c++)
			names |= channels->items[c].version == version &&
			         strcmp(channels->items[c].name, name) == 0;
		if (!names)
			return false;
	}
	return true;
}

static int read_marks(struct store *store, const struct json *policy, struct image_facts *facts,
	struct error *err)
{
	CLEANUP(version_marks_clear)
	struct version_marks quarantines = {0}, equals = {0}, channels = {0};
	const struct json *wanted = json_get(policy, "channels");

	if (json_count(wanted) && marks_list(store, facts->image, MARK_CHANNEL, &channels, err) < 0)
		return -1;
	if (marks_list(store, facts->image, MARK_QUARANTINE, &quarantines, err) < 0 ||
		marks_list(store, facts->image, MARK_EQUAL, &equals, err) < 0)
		return -1;
	for (size_t i = 0; i < facts->builds.count; i++) {
		struct plan_version *version = &facts->versions[i];
		version->followed = is_followed(wanted, &channels, version->version);
		for (size_t q = 0; q < quarantines.count; q++)
			version->quarantined |= quarantines.items[q].version == version->version;
		facts->equals[i] = memory_new((equals.count + 1) * sizeof(struct digest));
		for (size_t e = 0; e < equals.count; e++)
			if (equals.items[e].version == version->version)
				facts->equals[i][version->equal_count++] = equals.items[e].closure;
		version->equals = facts->equals[i];
	}
	return 0;
}

static int read_versions(struct store *store, struct image_facts *facts, struct error *err)
{
	autojson struct json *policy = NULL;

	if (builds_published(store, facts->image, &facts->builds, err) < 0)
		return -1;
	if (!facts->builds.count)
		return 0;
	policy = indexed_image_policy(&facts->wanted);
	facts->versions = memory_new(facts->builds.count * sizeof(*facts->versions));
	facts->equals = memory_new(facts->builds.count * sizeof(*facts->equals));
	for (size_t i = 0; i < facts->builds.count; i++) {
		const struct build_record *build = &facts->builds.items[i];
		facts->versions[i] = (struct plan_version){
			.version = build->version,
			.phase = build->phase,
			.closure = build->closure,
			.validated = build->validated,
			.confirmed_usec = build->confirmed_usec,
			.published = is_published(build, json_get(policy, "publish")),
		};
		if (build->phase == PHASE_LIVE)
			facts->live = build->version;
	}
	return read_marks(store, policy, facts, err);
}

void facts_failure_key(const struct digest *closure, const struct digest *rules, struct digest *key)
{
	struct digest both[2] = {*closure, *rules};

	digest_of(both, sizeof(both), key);
}

static int read_image(
	struct store *store, int64_t repository, struct image_facts *facts, struct error *err)
{
	struct image_record record;

	if (!repository)
		return 0;
	int found = image_find(store, repository, facts->wanted.name, &record, err);
	if (found <= 0)
		return found;
	facts->image = record.id;
	facts->held = record.held;
	image_record_clear(&record);
	if (read_versions(store, facts, err) < 0)
		return -1;
	struct digest key;
	facts_failure_key(&facts->wanted.closure, &facts->wanted.validate, &key);
	int failed = failure_find(store, facts->image, &key, &facts->failure, err);
	facts->failed = failed > 0;
	return failed < 0 ? -1 : 0;
}

/* ---- gathering ---- */

static struct image_facts *add(struct repository_facts *facts)
{
	MEMORY_GROW(facts->items, facts->count, facts->room);
	facts->items[facts->count] = (struct image_facts){0};
	return &facts->items[facts->count++];
}

/*
 * The template that gave the image is there but cannot be read, or is none any more, so nobody knows what it would give: that
 * is no reason to take the image for gone.
 */
static int take_broken(struct index *index, struct image_facts *orphan, struct error *err)
{
	const char *key = orphan->builds.items[orphan->builds.count - 1].definition;
	CLEANUP(indexed_images_clear) struct indexed_images images = {0};
	CLEANUP(strings_clear) struct strings keys = {0};

	strings_add(&keys, key);
	if (index_list_of(index, &keys, &images, err) < 0)
		return -1;
	for (size_t i = 0; i < images.count; i++) {
		if (images.items[i].has_closure || !images.items[i].problems.count)
			continue;
		orphan->defined = true;
		reasons_add_all(&orphan->wanted.problems, &images.items[i].problems);
		return 0;
	}
	int remains = images.count ? 0 : index_has_file(index, key, err);
	if (remains > 0) {
		orphan->defined = true;
		reasons_add(&orphan->wanted.problems, REASON_INVALID, key, NULL, NULL,
			"%s: it is no template any more, which does not say that its image should "
			"go (remove the file for that)",
			key);
	}
	return remains < 0 ? -1 : 0;
}

/* Images that nothing defines any more, but that have something to lose. */
static int add_orphans(struct index *index, struct store *store, int64_t repository,
	struct repository_facts *facts, struct error *err)
{
	CLEANUP(image_records_clear) struct image_records known = {0};
	struct map defined = {0};
	int result = 0;

	if (images_list(store, repository, NULL, &known, err) < 0)
		return -1;
	for (size_t i = 0; i < facts->count; i++)
		map_set(&defined, facts->items[i].wanted.name, NULL);
	for (size_t i = 0; i < known.count && result == 0; i++) {
		if (map_find_place(&defined, known.items[i].name))
			continue;
		struct image_facts *orphan = add(facts);
		orphan->wanted.name = memory_copy_text(known.items[i].name);
		result = read_image(store, repository, orphan, err);
		if (result == 0 && orphan->builds.count)
			result = take_broken(index, orphan, err);
		else
			image_facts_clear(&facts->items[--facts->count]);
	}
	map_clear(&defined);
	return result;
}

static int gather_all(struct index *index, struct store *store, int64_t repository,
	struct repository_facts *facts, struct error *err)
{
	CLEANUP(indexed_images_clear) struct indexed_images images = {0};

	if (index_list(index, &images, err) < 0)
		return -1;
	for (size_t i = 0; i < images.count; i++) {
		struct image_facts *one = add(facts);
		one->wanted = images.items[i];
		images.items[i] = (struct indexed_image){0};
		one->defined = true;
		if (read_image(store, repository, one, err) < 0)
			return -1;
	}
	return repository ? add_orphans(index, store, repository, facts, err) : 0;
}

static int unknown_image(struct index *index, const char *name, struct error *err)
{
	CLEANUP(indexed_images_clear) struct indexed_images images = {0};

	if (index_list(index, &images, err) < 0)
		return -1;
	autofree const char **names = memory_new(images.count * sizeof(*names));
	for (size_t i = 0; i < images.count; i++)
		names[i] = images.items[i].name;
	const char *near = nearest_name(name, names, images.count);
	return fail(err, ERROR_CATALOG, "there is no image %s%s%s%s", name,
		near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

/* 1 if NAME was added, 0 if nobody knows it. */
static int add_named(struct index *index, struct store *store, int64_t repository, const char *name,
	struct repository_facts *facts, struct error *err)
{
	struct indexed_image image;
	int found = index_find(index, name, &image, err);

	if (found < 0)
		return -1;
	struct image_facts *one = add(facts);
	one->defined = found;
	if (found)
		one->wanted = image;
	else
		one->wanted.name = memory_copy_text(name);
	if (read_image(store, repository, one, err) < 0)
		return -1;
	if (!found && !one->builds.count) {
		image_facts_clear(one);
		facts->count--;
		return 0;
	}
	if (!found && take_broken(index, one, err) < 0)
		return -1;
	return 1;
}

static bool has(const struct repository_facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->count; i++)
		if (strcmp(facts->items[i].wanted.name, name) == 0)
			return true;
	return false;
}

static int gather_named(struct index *index, struct store *store, int64_t repository,
	const struct facts_names *names, struct repository_facts *facts, struct error *err)
{
	strings_each (name, names->list) {
		if (has(facts, name))
			continue;
		int added = add_named(index, store, repository, name, facts, err);
		if (added < 0)
			return -1;
		if (!added && names->may_be_gone)
			continue;
		if (!added)
			return unknown_image(index, name, err);
		facts->items[facts->count - 1].named = true;
	}
	/* what they are built on, and so on */
	for (size_t i = 0; i < facts->count; i++) {
		for (size_t p = 0; p < facts->items[i].wanted.parents.count; p++) {
			const char *parent = facts->items[i].wanted.parents.items[p];
			if (!has(facts, parent) &&
				add_named(index, store, repository, parent, facts, err) < 0)
				return -1;
		}
	}
	return 0;
}

int facts_gather(struct index *index, struct store *store, int64_t repository,
	const struct facts_names *names, struct repository_facts *facts, struct error *err)
{
	if (names->list && names->list->count)
		return gather_named(index, store, repository, names, facts, err);
	return gather_all(index, store, repository, facts, err);
}

void facts_set_due(struct repository_facts *facts, const char *zone, int64_t now_usec)
{
	for (size_t i = 0; i < facts->count; i++) {
		struct image_facts *image = &facts->items[i];
		const struct schedule *schedule = image->wanted.schedule;
		const char *name = image->wanted.name;
		if (schedule_is_for_inputs(schedule)) {
			image->look_usec = schedule_next(schedule, zone, name, now_usec);
			continue;
		}
		for (size_t v = 0; schedule && v < image->builds.count; v++)
			image->versions[v].due_usec = schedule_next(
				schedule, zone, name, image->versions[v].confirmed_usec);
	}
}

void facts_to_plan(const struct repository_facts *facts, struct plan_facts *plan)
{
	for (size_t i = 0; i < facts->count; i++) {
		const struct image_facts *f = &facts->items[i];
		plan[i] = (struct plan_facts){
			.name = f->wanted.name,
			.defined = f->defined,
			.problems = &f->wanted.problems,
			.has_closure = f->wanted.has_closure,
			.complete = f->wanted.complete,
			.closure = f->wanted.closure,
			.validate = f->wanted.validate,
			.parents = &f->wanted.parents,
			.look_usec = f->look_usec,
			.held = f->held,
			.versions = f->versions,
			.version_count = f->builds.count,
			.failed = f->failed,
			.failure_kind = f->failure.kind,
			.failure_text = f->failure.text,
			.failure_next_usec = f->failure.next_usec,
			.named = f->named,
			.forced = f->forced,
		};
	}
}

/* ---- bases ---- */

int facts_find_version(struct store *store, int64_t repository,
	const struct image_reference *reference, struct build_record *build, struct error *err)
{
	struct image_record image;
	int64_t version = reference->version;
	int found = image_find(store, repository, reference->image, &image, err);

	if (found <= 0)
		return found;
	int64_t id = image.id;
	image_record_clear(&image);
	if (!version && channel_find(store, id, reference->channel ? reference->channel : "current",
				&version, err) < 0)
		return -1;
	if (!version)
		return 0;
	found = build_find_version(store, id, version, build, err);
	if (found > 0 && !phase_is_published(build->phase)) {
		build_record_clear(build);
		return 0;
	}
	return found;
}
