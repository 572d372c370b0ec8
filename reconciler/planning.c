/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/planning.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "reconciler/acceptance.h"

enum { EVALUATIONS_KEPT = 64 };

/* ---- planning ---- */

/* Before anything else of the commit is looked at. */
static int look_at_acceptance(struct repository *repository, const struct planning_options *options,
	struct planning *planning, struct error *err)
{
	int accepted =
		options->any_commit ? 1 : acceptance_check(repository, &planning->commit.id, err);

	if (accepted == 0)
		planning->refusal = memory_copy_text(err->text);
	return accepted < 0 ? -1 : 0;
}

/* Of each image it is said before anything else that may be wrong with it. */
static void block_refused(struct planning *planning)
{
	for (size_t i = 0; planning->refusal && i < planning->facts.count; i++) {
		struct image_facts *facts = &planning->facts.items[i];
		struct reasons problems = {0};
		if (!facts->defined)
			continue;
		reasons_add(&problems, REASON_UNSIGNED, NULL, NULL, NULL, "%s", planning->refusal);
		reasons_add_all(&problems, &facts->wanted.problems);
		reasons_clear(&facts->wanted.problems);
		facts->wanted.problems = problems;
	}
}

static int plan_at(struct repository *repository, const struct planning_options *options,
	struct planning *planning, struct error *err)
{
	struct head *head = repository->head;
	struct facts_names names = {options->names, options->may_be_gone};
	size_t refreshed;

	if (index_open(&planning->index, head->store, repository->place, repository->source,
		    &repository->evaluator, err) < 0 ||
		index_move(&planning->index, &planning->commit.tree, NULL, err) < 0 ||
		index_refresh_bases(&planning->index, &refreshed, err) < 0 ||
		facts_gather(&planning->index, head->store, repository->id, &names,
			&planning->facts, err) < 0)
		return -1;
	block_refused(planning);
	size_t count = planning->facts.count;
	for (size_t i = 0; i < count; i++) {
		struct image_facts *facts = &planning->facts.items[i];
		bool chosen = !options->names || !options->names->count ||
		              strings_has(options->names, facts->wanted.name);
		facts->named = facts->named && options->named;
		facts->forced = options->forced && chosen;
	}
	facts_set_due(&planning->facts, head->service.timezone, options->now_usec);
	autofree struct plan_facts *plan = memory_new(count * sizeof(*plan));
	planning->decisions = memory_new(count * sizeof(*planning->decisions));
	facts_to_plan(&planning->facts, plan);
	plan_decide(plan, count, options->now_usec, planning->decisions);
	return 0;
}

int planning_make(struct repository *repository, const struct planning_options *options,
	struct planning *planning, struct error *err)
{
	struct store *store = repository->head->store;
	*planning = (struct planning){0};
	if (repository_resolve(repository, options->revision, &planning->commit, err) < 0 ||
		look_at_acceptance(repository, options, planning, err) < 0 ||
		store_begin(store, err) < 0) {
		planning_clear(planning);
		return -1;
	}
	int result = plan_at(repository, options, planning, err);
	int64_t planned_usec = moment_elapsed_usec();
	/* what was looked at in passing must not become what the store believes */
	if (result == 0 && options->keep)
		result = store_commit(store, err);
	else
		store_rollback(store);
	planning->kept_usec = moment_elapsed_usec() - planned_usec;
	if (result < 0)
		planning_clear(planning);
	return result;
}

void planning_clear(struct planning *planning)
{
	for (size_t i = 0; planning->decisions && i < planning->facts.count; i++)
		plan_decision_clear(&planning->decisions[i]);
	free(planning->decisions);
	repository_facts_clear(&planning->facts);
	commit_clear(&planning->commit);
	free(planning->refusal);
	*planning = (struct planning){0};
}

/* ---- explaining ---- */

static void free_evaluation(void *pointer)
{
	evaluation_clear(pointer);
	free(pointer);
}

static int evaluate_at(struct repository *repository, struct index *index,
	const struct object_id *tree, const char *key, struct evaluation *evaluation,
	struct error *err)
{
	CLEANUP(snapshot_freep) struct snapshot *snapshot = snapshot_new(repository->source, tree);
	CLEANUP(definition_freep) struct definition *definition = NULL;
	struct evaluator evaluator = repository->evaluator;

	evaluator.snapshot = snapshot;
	if (index_read_definition_at(index, tree, key, &definition, err) < 0)
		return -1;
	return definition ? evaluate(&evaluator, definition, evaluation, err) : 0;
}

/* A definition may give hundreds of images: it is evaluated once at each of the two trees, not once for each image. */
static int get_evaluation(struct repository *repository, struct index *index,
	const struct object_id *tree, const char *key, const struct evaluation **result,
	struct error *err)
{
	char hex[OBJECT_ID_HEX_SIZE];
	autofree char *name = memory_printf("%s %s", object_id_hex(tree, hex), key);
	struct evaluation *evaluation = map_find(&repository->evaluations, name);

	if (!evaluation) {
		if (repository->evaluations.count >= EVALUATIONS_KEPT)
			map_clear(&repository->evaluations);
		repository->evaluations.free_value = free_evaluation;
		evaluation = memory_new(sizeof(*evaluation));
		*evaluation = (struct evaluation){0};
		map_set(&repository->evaluations, name, evaluation);
		if (evaluate_at(repository, index, tree, key, evaluation, err) < 0)
			return -1;
	}
	*result = evaluation;
	return 0;
}

int planning_closure(struct repository *repository, struct index *index,
	const struct object_id *tree, const char *definition, const char *image, char **text,
	struct json **notes, struct error *err)
{
	const struct evaluation *evaluation;

	*text = NULL;
	*notes = NULL;
	if (get_evaluation(repository, index, tree, definition, &evaluation, err) < 0)
		return -1;
	for (size_t i = 0; i < evaluation->count; i++) {
		const struct evaluated_image *found = &evaluation->images[i];
		if (strcmp(found->name, image) != 0 || !found->closure)
			continue;
		*text = memory_copy_text(found->closure);
		*notes = json_copy(found->notes);
		break;
	}
	return 0;
}

/* True if a changed variable is said to be the cause. */
static bool explain_variables(
	const struct json *old_notes, const struct json *new_notes, struct reasons *reasons)
{
	const struct json *before = json_get(old_notes, "variables");
	const struct json *after = json_get(new_notes, "variables");
	bool any = false;

	json_each_member (member, after) {
		const struct json *other = json_get(before, member.key);
		const char *new = json_get_text(member.value, "value", "");
		const char *old = json_get_text(other, "value", NULL);
		if (!old || strcmp(old, new) == 0)
			continue;
		reasons_add(reasons, REASON_VARIABLE, json_get_text(member.value, "origin", NULL),
			old, new, "the variable %s is \"%s\", was \"%s\"", member.key, new, old);
		any = true;
	}
	return any;
}

void planning_explain(const char *old, const struct json *old_notes, const char *new,
	const struct json *new_notes, struct reasons *reasons)
{
	CLEANUP(reasons_clear) struct reasons differences = {0};
	const char *template = json_get_text(new_notes, "template", NULL);
	bool variables = explain_variables(old_notes, new_notes, reasons);

	closure_compare(old, new, template ? template : "the template", &differences);
	for (size_t i = 0; i < differences.count; i++) {
		struct reason *reason = &differences.items[i];
		const struct json *after = json_get(new_notes, "variables");
		bool explained = false;
		/* an option that changed by exactly the value of a changed variable is that variable's change */
		if (variables && reason->kind == REASON_TEMPLATE && reason->new && reason->old) {
			const struct json *before = json_get(old_notes, "variables");
			json_each_member (member, after) {
				const char *now = json_get_text(member.value, "value", "");
				const char *then =
					json_get_text(json_get(before, member.key), "value", now);
				explained |= strcmp(now, then) != 0 && strstr(reason->new, now) &&
				             strstr(reason->old, then);
			}
		}
		if (!explained)
			reasons_add(reasons, reason->kind, reason->path, reason->old, reason->new,
				"%s", reason->text);
	}
}

/* The reasons that only a look at both closures gives. */
static int explain_from_live(struct repository *repository, struct planning *planning,
	const struct image_facts *facts, struct reasons *reasons, struct error *err)
{
	autofree char *old = NULL, *old_notes_text = NULL, *new = NULL;
	autojson struct json *old_notes = NULL, *new_notes = NULL;
	const struct build_record *from = NULL;
	struct error ignored;

	for (size_t i = 0; i < facts->builds.count; i++)
		if (facts->builds.items[i].phase == PHASE_LIVE || !from)
			from = &facts->builds.items[i];
	if (!from)
		return 0;
	int found =
		closure_find(repository->head->store, &from->closure, &old, &old_notes_text, err);
	if (found <= 0)
		return found;
	json_parse_bytes(old_notes_text, strlen(old_notes_text), &old_notes, &ignored);
	if (planning_closure(repository, &planning->index, &planning->commit.tree,
		    facts->wanted.definition, facts->wanted.name, &new, &new_notes, err) < 0)
		return -1;
	if (new)
		planning_explain(old, old_notes, new, new_notes, reasons);
	return 0;
}

struct json *planning_image(
	struct repository *repository, struct planning *planning, size_t index, struct error *err)
{
	const struct image_facts *facts = &planning->facts.items[index];
	struct plan_decision *decision = &planning->decisions[index];
	struct json *image = json_new_object();
	char digest[DIGEST_TEXT_SIZE];

	if (decision->explain) {
		decision->explain = false;
		if (explain_from_live(repository, planning, facts, &decision->reasons, err) < 0) {
			json_free(image);
			return NULL;
		}
	}
	json_set_text(image, "name", facts->wanted.name);
	json_set_text(image, "action", action_name(decision->action));
	json_set_text(image, "closure",
		facts->wanted.has_closure && decision->closure_known
			? digest_text(&facts->wanted.closure, digest)
			: NULL);
	json_set(image, "reasons", reasons_to_json(&decision->reasons));
	return image;
}

/* ---- two commits ---- */

struct comparison {
	struct repository *repository;
	struct index index;
	const struct commit *from, *to;
	struct indexed_images before, after; /* of the definitions that differ, by name */
	struct strings names;                /* in either, sorted */
	struct map new_closures; /* names whose closure changes: their children follow */
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(
		((const struct indexed_image *)a)->name, ((const struct indexed_image *)b)->name);
}

static void sort_images(struct indexed_images *images)
{
	if (images->count > 1)
		qsort(images->items, images->count, sizeof(*images->items), compare_names);
}

static const struct indexed_image *find_image(const struct indexed_images *images, const char *name)
{
	struct indexed_image key = {.name = (char *)(uintptr_t)name};

	return images->count
	               ? bsearch(&key, images->items, images->count, sizeof(key), compare_names)
	               : NULL;
}

/* Moves the index between the commits and reads the rows on both sides. It ends at one of the two. */
static int read_both(struct comparison *comparison, struct error *err)
{
	struct index *index = &comparison->index;
	CLEANUP(strings_clear) struct strings keys = {0};
	struct object_id at;

	memcpy(at.bytes, index->tree.tree, OBJECT_ID_SIZE);
	bool at_end = index->tree.filled && object_id_equal(&at, &comparison->to->tree);
	const struct commit *first = at_end ? comparison->to : comparison->from;
	const struct commit *second = at_end ? comparison->from : comparison->to;
	struct indexed_images *of_first = at_end ? &comparison->after : &comparison->before;
	struct indexed_images *of_second = at_end ? &comparison->before : &comparison->after;

	if (index_move(index, &first->tree, NULL, err) < 0 ||
		index_find_changes(index, &second->tree, &keys, err) < 0 ||
		index_list_of(index, &keys, of_first, err) < 0)
		return -1;
	int64_t images = index->tree.images;
	if (index_move(index, &second->tree, &keys, err) < 0 ||
		index_list_of(index, &keys, of_second, err) < 0)
		return -1;
	/* how many there are at the end of the range */
	if (at_end)
		index->tree.images = images;
	return 0;
}

static void gather_names(struct comparison *comparison)
{
	for (size_t i = 0; i < comparison->before.count; i++)
		strings_add(&comparison->names, comparison->before.items[i].name);
	for (size_t i = 0; i < comparison->after.count; i++)
		strings_add(&comparison->names, comparison->after.items[i].name);
	strings_sort(&comparison->names);
	strings_unique(&comparison->names);
}

static bool differ(const struct indexed_image *before, const struct indexed_image *after)
{
	if (!before || !after || before->has_closure != after->has_closure)
		return true;
	if (before->has_closure && !digest_equal(&before->closure, &after->closure))
		return true;
	return !reasons_equal(&before->problems, &after->problems);
}

static int explain_range(struct comparison *comparison, const struct indexed_image *before,
	const struct indexed_image *after, struct reasons *reasons, struct error *err)
{
	autofree char *old = NULL, *new = NULL;
	autojson struct json *old_notes = NULL, *new_notes = NULL;

	if (!before->has_closure || !after->has_closure ||
		digest_equal(&before->closure, &after->closure))
		return 0;
	if (planning_closure(comparison->repository, &comparison->index, &comparison->from->tree,
		    before->definition, before->name, &old, &old_notes, err) < 0 ||
		planning_closure(comparison->repository, &comparison->index, &comparison->to->tree,
			after->definition, after->name, &new, &new_notes, err) < 0)
		return -1;
	if (old && new)
		planning_explain(old, old_notes, new, new_notes, reasons);
	return 0;
}

/* The first image of the definition behind KEY. */
static const struct indexed_image *find_of(const struct indexed_images *images, const char *key)
{
	for (size_t i = 0; i < images->count; i++)
		if (strcmp(images->items[i].definition, key) == 0)
			return &images->items[i];
	return NULL;
}

/* The template could not be read: what it would give is not known, so one entry by its path stands for all. */
static bool is_broken(const struct indexed_image *image)
{
	return image && !image->has_closure && image->problems.count;
}

/* Gone from AFTER because its template cannot be read any more: that is no reason to take it for gone. */
static const struct reasons *find_breakage(
	const struct comparison *comparison, const struct indexed_image *before)
{
	if (!before)
		return NULL;
	const struct indexed_image *now = find_of(&comparison->after, before->definition);

	return is_broken(now) ? &now->problems : NULL;
}

static int add_difference(struct comparison *comparison, const char *name,
	const struct indexed_image *before, const struct indexed_image *after, struct json *images,
	struct error *err)
{
	CLEANUP(reasons_clear) struct reasons reasons = {0};
	enum action action = ACTION_REBUILD;
	char digest[DIGEST_TEXT_SIZE];

	const struct reasons *breakage =
		after ? &after->problems : find_breakage(comparison, before);

	if (!after && is_broken(before) && find_of(&comparison->after, before->definition))
		return 0; /* it was only the stand-in of those that are there again */
	if (breakage && breakage->count) {
		action = ACTION_BLOCKED;
		reasons_add_all(&reasons, breakage);
	} else if (!after) {
		action = ACTION_ORPHANED;
		reasons_add(&reasons, REASON_ABSENT, before->template_path, NULL, NULL,
			"nothing in the repository defines it any more");
	} else if (!before) {
		action = ACTION_CREATE;
		reasons_add(&reasons, REASON_NEW, after->template_path, NULL, NULL, "it is new");
	}
	if (before && after && explain_range(comparison, before, after, &reasons, err) < 0)
		return -1;
	/* a broken image that is repaired as it was before: the same closure, and still something to tell */
	if (!reasons.count)
		reasons_add(&reasons, REASON_TEMPLATE, after ? after->template_path : NULL, NULL,
			NULL, "it can be built again");

	struct json *image = json_new_object();
	json_set_text(image, "name", name);
	json_set_text(image, "action", action_name(action));
	json_set_text(image, "closure",
		after && after->complete ? digest_text(&after->closure, digest) : NULL);
	json_set(image, "reasons", reasons_to_json(&reasons));
	json_add(images, image);
	if (!before || !after ||
		(after->has_closure && !digest_equal(&before->closure, &after->closure)))
		map_set(&comparison->new_closures, name, NULL);
	return 0;
}

/* What is built on a changed image changes with it, whatever its own definition says. */
static int add_children(struct comparison *comparison, struct json *images, struct error *err)
{
	for (size_t i = 0; i < comparison->new_closures.count; i++) {
		const char *parent = comparison->new_closures.entries[i].key;
		CLEANUP(strings_clear) struct strings keys = {0};
		CLEANUP(indexed_images_clear) struct indexed_images children = {0};
		if (plan_children(comparison->repository->head->store, comparison->index.tree.id,
			    parent, &keys, err) < 0 ||
			index_list_of(&comparison->index, &keys, &children, err) < 0)
			return -1;
		for (size_t c = 0; c < children.count; c++) {
			const struct indexed_image *child = &children.items[c];
			CLEANUP(reasons_clear) struct reasons reasons = {0};
			if (!strings_has(&child->parents, parent) || child->problems.count ||
				map_find_place(&comparison->new_closures, child->name))
				continue;
			reasons_add(&reasons, REASON_BASE, NULL, NULL, NULL,
				"its base %s is rebuilt first", parent);
			struct json *image = json_new_object();
			json_set_text(image, "name", child->name);
			json_set_text(image, "action", action_name(ACTION_REBUILD));
			json_set_text(image, "closure", NULL);
			json_set(image, "reasons", reasons_to_json(&reasons));
			json_add(images, image);
			map_set(&comparison->new_closures, child->name, NULL);
		}
	}
	return 0;
}

/* A name that two definitions give, at one end of the range or the other. */
static int resolve_conflicts(
	struct comparison *comparison, struct indexed_images *images, struct error *err)
{
	for (size_t i = 0; i < images->count; i++) {
		struct indexed_image all;
		int found = index_find(&comparison->index, images->items[i].name, &all, err);
		if (found < 0)
			return -1;
		if (found) {
			indexed_image_clear(&images->items[i]);
			images->items[i] = all;
		}
	}
	return 0;
}

static int compare(struct comparison *comparison, struct json *answer, struct error *err)
{
	struct json *images = json_new_list();

	json_set(answer, "images", images);
	if (index_open(&comparison->index, comparison->repository->head->store,
		    comparison->repository->place, comparison->repository->source,
		    &comparison->repository->evaluator, err) < 0 ||
		read_both(comparison, err) < 0)
		return -1;
	struct object_id at;
	memcpy(at.bytes, comparison->index.tree.tree, OBJECT_ID_SIZE);
	if (resolve_conflicts(comparison,
		    object_id_equal(&at, &comparison->to->tree) ? &comparison->after
								: &comparison->before,
		    err) < 0)
		return -1;
	sort_images(&comparison->before);
	sort_images(&comparison->after);
	gather_names(comparison);
	size_t changed_after = 0;
	strings_each (name, &comparison->names) {
		const struct indexed_image *before = find_image(&comparison->before, name);
		const struct indexed_image *after = find_image(&comparison->after, name);
		if (!differ(before, after))
			continue;
		changed_after += after != NULL;
		if (add_difference(comparison, name, before, after, images, err) < 0)
			return -1;
	}
	size_t own = json_count(images);
	if (add_children(comparison, images, err) < 0)
		return -1;
	changed_after += json_count(images) - own;
	json_set_integer(
		answer, "unchanged", comparison->index.tree.images - (int64_t)changed_after);
	return 0;
}

static int add_descendants(struct comparison *comparison, struct error *err)
{
	for (size_t i = 0; i < comparison->names.count; i++) {
		CLEANUP(strings_clear) struct strings keys = {0};
		CLEANUP(indexed_images_clear) struct indexed_images children = {0};
		if (plan_children(comparison->repository->head->store, comparison->index.tree.id,
			    comparison->names.items[i], &keys, err) < 0 ||
			index_list_of(&comparison->index, &keys, &children, err) < 0)
			return -1;
		for (size_t c = 0; c < children.count; c++)
			strings_add_once(&comparison->names, children.items[c].name);
	}
	return 0;
}

static int find_touched(struct comparison *comparison, struct error *err)
{
	struct repository *repository = comparison->repository;

	if (index_open(&comparison->index, repository->head->store, repository->place,
		    repository->source, &repository->evaluator, err) < 0 ||
		read_both(comparison, err) < 0)
		return -1;
	gather_names(comparison);
	return add_descendants(comparison, err);
}

static void comparison_clear(struct comparison *comparison)
{
	indexed_images_clear(&comparison->before);
	indexed_images_clear(&comparison->after);
	strings_clear(&comparison->names);
	map_clear(&comparison->new_closures);
}

int planning_compare(struct repository *repository, const struct commit *from,
	const struct commit *to, struct json *answer, struct error *err)
{
	struct comparison comparison = {.repository = repository, .from = from, .to = to};
	struct store *store = repository->head->store;

	if (store_begin(store, err) < 0)
		return -1;
	int result = compare(&comparison, answer, err);
	store_rollback(store);
	comparison_clear(&comparison);
	return result;
}

int planning_find_touched(struct repository *repository, const struct commit *from,
	const struct commit *to, struct strings *names, struct error *err)
{
	struct comparison comparison = {.repository = repository, .from = from, .to = to};
	struct store *store = repository->head->store;

	if (store_begin(store, err) < 0)
		return -1;
	int result = find_touched(&comparison, err);
	store_rollback(store);
	if (result == 0)
		strings_add_all(names, &comparison.names);
	comparison_clear(&comparison);
	return result;
}
