/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "base/memory.h"
#include "base/path.h"

/* Among the bases of a definition, where no image can be called so: what it reads is not all in the commit. */
#define OUTSIDE "/"

enum {
	ROWS_VERSION = 1, /* raised when rows of the same tree come out differently */
	DEFINITIONS_SIZE_MOST = 16 * 1024 * 1024,
};

/* ---- what else decides the rows ---- */

static void make_fingerprint(const struct evaluator *evaluator, struct digest *fingerprint)
{
	CLEANUP(text_clear) struct text text = {0};
	struct digest key;

	text_addf(&text, "kiln-plan %d ids %d secrets %s\n", ROWS_VERSION, evaluator->many_ids,
		evaluator->secrets_digest ? evaluator->secrets_digest : "");
	/* of 32 random bytes: it tells nothing of them, and costs less than a keyed digest */
	digest_of(evaluator->key, evaluator->key_size, &key);
	text_add_bytes(&text, key.bytes, DIGEST_SIZE);
	for (size_t i = 0; evaluator->grants && i < evaluator->grants->count; i++) {
		const char *grant = evaluator->grants->items[i];
		text_addf(&text, "grant %s\n", grant);
		/* what the granted variable says is part of the closures */
		if (text_starts_with(grant, "env:") && evaluator->get_environment) {
			const char *value =
				evaluator->get_environment(evaluator->context, grant + 4);
			text_addf(&text, "= %s\n", value ? value : "");
		}
	}
	if (evaluator->overrides) {
		map_each (entry, evaluator->overrides) {
			const struct variable_override *override = entry->value;
			text_addf(&text, "var %s %zu:%s\n", entry->key, strlen(override->value),
				override->value);
		}
	}
	if (evaluator->catalogs) {
		map_each (entry, evaluator->catalogs)
			text_addf(&text, "catalog %s\n", entry->key);
	}
	for (const struct plugin *const *p = plugins; *p; p++)
		text_addf(&text, "%d %s %d\n", (*p)->kind, (*p)->name, (*p)->version);
	digest_of(text.data, text.size, fingerprint);
}

int index_open(struct index *index, struct store *store, const char *place, struct source *source,
	const struct evaluator *evaluator, struct error *err)
{
	*index = (struct index){.store = store, .source = source, .evaluator = *evaluator};
	make_fingerprint(evaluator, &index->fingerprint);
	if (plan_tree_get(store, place, &index->tree, err) < 0)
		return -1;
	index->tree.filled =
		index->tree.filled && digest_equal(&index->tree.fingerprint, &index->fingerprint);
	if (!index->tree.filled)
		index->tree = (struct plan_tree){.id = index->tree.id};
	return 0;
}

/* ---- kiln.json at a tree ---- */

/* NULL in *FILE if there is none. */
static int read_definitions_file(struct source *source, const struct object_id *tree,
	struct definitions_file **file, struct error *err)
{
	CLEANUP(snapshot_freep) struct snapshot *snapshot = snapshot_new(source, tree);
	autofree char *bytes = NULL;
	struct entry entry;
	size_t size;

	*file = NULL;
	if (snapshot_find(snapshot, DEFINITIONS_PATH, &entry, err) < 0)
		return -1;
	if (entry.kind != ENTRY_FILE)
		return 0;
	if (source_read(source, &entry.id, OBJECT_BLOB, DEFINITIONS_SIZE_MOST, &bytes, &size, err) <
		0)
		return fail_while(err, DEFINITIONS_PATH);
	return definitions_file_parse(bytes, size, file, err);
}

static struct object_id tree_id(const struct plan_tree *tree)
{
	struct object_id id;

	memcpy(id.bytes, tree->tree, OBJECT_ID_SIZE);
	return id;
}

/* ---- which definitions change ---- */

struct change_finder {
	struct index *index;
	const struct definitions_file *file; /* at the new tree, may be NULL */
	bool listed;
	struct map keys;         /* what is to be evaluated again */
	struct map came_or_went; /* folders above what is new or gone, likewise */
	struct map folders;      /* asked already */
	bool file_changed;
};

static int add_keys_of(
	struct change_finder *finder, const char *path, bool below, struct error *err)
{
	CLEANUP(strings_clear) struct strings keys = {0};

	if (plan_definitions_of_path(
		    finder->index->store, finder->index->tree.id, path, below, &keys, err) < 0)
		return -1;
	strings_each (key, &keys)
		map_set(&finder->keys, key, NULL);
	return 0;
}

static bool is_template_path(const char *path)
{
	return text_ends_with(path, ".json") && strcmp(path, DEFINITIONS_PATH) != 0;
}

/* 1 if the blob is a template or a broken one. */
static int is_template(struct source *source, const struct object_id *id, struct error *err)
{
	autofree char *bytes = NULL;
	size_t size;
	int64_t known = source_size(source, id);

	if (known < 0 || known > TEMPLATE_SIZE_MOST)
		return 0;
	if (source_read(source, id, OBJECT_BLOB, TEMPLATE_SIZE_MOST, &bytes, &size, err) < 0)
		return -1;
	return template_recognise(bytes, size) != 0;
}

/* Each folder above PATH, once; ABOVE has those that were looked up. */
static int add_keys_above(struct change_finder *finder, const char *path, struct map *above,
	bool below, struct error *err)
{
	for (const char *slash = path + strlen(path); slash > path;) {
		do
			slash--;
		while (slash > path && *slash != '/');
		autofree char *folder = memory_copy_bytes(path, slash - path);
		if (map_find_place(above, folder))
			return 0;
		map_set(above, folder, NULL);
		if (add_keys_of(finder, folder, below, err) < 0)
			return -1;
	}
	return 0;
}

/* A link or a submodule: what lies below it lies, or lay, elsewhere. */
static bool is_way(const struct entry *entry)
{
	return entry->kind == ENTRY_LINK || entry->kind == ENTRY_SUBMODULE;
}

static int add_keys_below(struct change_finder *finder, const char *path, struct error *err)
{
	CLEANUP(strings_clear) struct strings keys = {0};
	struct index *index = finder->index;

	if (plan_definitions_below(index->store, index->tree.id, path, &keys, err) < 0)
		return -1;
	strings_each (key, &keys)
		map_set(&finder->keys, key, NULL);
	return 0;
}

static int visit_change(void *context, const char *path, const struct entry *old,
	const struct entry *new, struct error *err)
{
	struct change_finder *finder = context;

	if (strcmp(path, DEFINITIONS_PATH) == 0)
		finder->file_changed = true;
	if (finder->index->tree.filled &&
		(add_keys_of(finder, path, false, err) < 0 ||
			add_keys_above(finder, path, &finder->folders, true, err) < 0))
		return -1;
	/* with it a folder may have come or gone, that somebody only looked at */
	if (finder->index->tree.filled && (!old->kind || !new->kind) &&
		add_keys_above(finder, path, &finder->came_or_went, false, err) < 0)
		return -1;
	if (finder->index->tree.filled && (is_way(old) || is_way(new)) &&
		add_keys_below(finder, path, err) < 0)
		return -1;
	if (finder->listed || !is_template_path(path) || new->kind != ENTRY_FILE)
		return 0;
	int template = is_template(finder->index->source, &new->id, err);
	if (template > 0)
		map_set(&finder->keys, path, NULL);
	return template <0 ? fail_while(err, "%s", path) : 0;
}

/* Every template there is, for when there are no rows to compare with. */
static int visit_entry(
	void *context, const char *path, const struct entry *entry, struct error *err)
{
	static const struct entry none;

	return visit_change(context, path, &none, entry, err);
}

static int find_all(struct change_finder *finder, const struct object_id *tree, struct error *err)
{
	CLEANUP(snapshot_freep)
	struct snapshot *snapshot = snapshot_new(finder->index->source, tree);

	return snapshot_walk(snapshot, "", visit_entry, finder, err);
}

/* What kiln.json says may have changed for each of them: a digest tells. */
static int find_changed_entries(
	struct change_finder *finder, const struct object_id *tree, struct error *err)
{
	struct index *index = finder->index;
	CLEANUP(definitions_clear) struct definitions definitions = {0};
	CLEANUP(strings_clear) struct strings known = {0};
	bool same_mode = index->tree.filled && index->tree.listed == finder->listed;

	if (finder->file)
		definitions_file_read(finder->file, &definitions);
	if (plan_definitions_list(index->store, index->tree.id, &known, err) < 0)
		return -1;
	strings_each (key, &known) {
		struct digest before;
		struct definition *definition = map_find(&definitions.by_key, key);
		if (!same_mode) {
			map_set(&finder->keys, key, NULL);
			continue;
		}
		if (plan_definition_find(index->store, index->tree.id, key, &before, err) < 0)
			return -1;
		if (finder->listed) {
			if (!definition || !digest_equal(&before, &definition->digest))
				map_set(&finder->keys, key, NULL);
			continue;
		}
		definition = definition_discover(key, finder->file);
		if (!digest_equal(&before, &definition->digest))
			map_set(&finder->keys, key, NULL);
		definition_free(definition);
	}
	for (size_t i = 0; i < definitions.count; i++) {
		struct digest before;
		int there = plan_definition_find(
			index->store, index->tree.id, definitions.items[i]->key, &before, err);
		if (there < 0)
			return -1;
		if (!there)
			map_set(&finder->keys, definitions.items[i]->key, NULL);
	}
	if (!same_mode && !finder->listed)
		return find_all(finder, tree, err);
	return 0;
}

static int find_changes(struct index *index, const struct object_id *tree,
	const struct definitions_file *file, struct strings *keys, struct error *err)
{
	struct change_finder finder = {.index = index, .file = file};
	struct object_id old = tree_id(&index->tree);
	int result = 0;

	finder.listed = file && definitions_file_lists(file);
	/* objects of the old tree may be gone: collected after a forced push, or the repository is another one now */
	if (index->tree.filled &&
		tree_diff(index->source, &old, tree, visit_change, &finder, err) < 0)
		index->tree.filled = false;
	if (!index->tree.filled) {
		result = finder.listed ? 0 : find_all(&finder, tree, err);
		finder.file_changed = true;
	}
	if (result == 0 && finder.file_changed)
		result = find_changed_entries(&finder, tree, err);
	map_each (entry, &finder.keys)
		strings_add(keys, entry->key);
	strings_sort(keys);
	map_clear(&finder.keys);
	map_clear(&finder.folders);
	map_clear(&finder.came_or_went);
	return result;
}

int index_find_changes(
	struct index *index, const struct object_id *tree, struct strings *keys, struct error *err)
{
	CLEANUP(definitions_file_freep) struct definitions_file *file = NULL;
	struct object_id old = tree_id(&index->tree);

	if (index->tree.filled && object_id_equal(&old, tree))
		return 0;
	if (read_definitions_file(index->source, tree, &file, err) < 0)
		return -1;
	return find_changes(index, tree, file, keys, err);
}

/* ---- rows ---- */

static struct json *policy_of(const struct definition *definition)
{
	struct json *policy = json_new_object(), *publish = json_new_list();
	struct json *channels = json_new_list();

	strings_each (catalog, &definition->publish)
		json_add_text(publish, catalog);
	strings_each (channel, &definition->channels)
		json_add_text(channels, channel);
	json_set(policy, "publish", publish);
	json_set(policy, "channels", channels);
	json_set(policy, "validate", json_copy(definition->validate));
	json_set_text(policy, "gate", gate_name(definition->gate));
	json_set_integer(policy, "keep_last", definition->keep_last);
	json_set_integer(policy, "keep_younger_sec", definition->keep_younger_sec);
	if (definition->rebuild)
		json_set(policy, "rebuild", json_copy(definition->rebuild));
	return policy;
}

/* What decides it lies in part outside of the commit: it is evaluated again every time. */
static bool reads_outside(const struct evaluated_image *image)
{
	strings_each (need, &image->needs)
		if (text_starts_with(need, power_name(POWER_OUTSIDE_PATH)))
			return true;
	for (size_t i = 0; i < image->problems.count; i++)
		if (image->problems.items[i].kind == REASON_LFS ||
			image->problems.items[i].kind == REASON_SUBMODULE)
			return true;
	return false;
}

static char *facts_of(const struct definition *definition, const struct evaluated_image *image)
{
	autojson struct json *facts = json_new_object();
	struct text text = {0};
	char digest[DIGEST_TEXT_SIZE];

	json_set_text(facts, "template", definition->template_path);
	json_set_text(facts, "build", image->build_name);
	json_set_bool(facts, "complete", image->complete);
	json_set_text(facts, "validate", digest_text(&image->validate_digest, digest));
	json_set(facts, "policy", policy_of(definition));
	if (image->problems.count)
		json_set(facts, "problems", reasons_to_json(&image->problems));
	if (reads_outside(image))
		json_set_bool(facts, "outside", true);
	if (image->needs.count) {
		struct json *needs = json_new_list();
		strings_each (need, &image->needs)
			json_add_text(needs, need);
		json_set(facts, "needs", needs);
	}
	if (image->base_count) {
		struct json *bases = json_new_list();
		for (size_t i = 0; i < image->base_count; i++) {
			const struct evaluated_base *base = &image->bases[i];
			struct json *about = json_new_object();
			json_set_text(about, "text", base->text);
			json_set_text(about, "image", base->reference.image);
			json_set_text(about, "digest",
				base->known ? digest_text(&base->digest, digest) : NULL);
			json_add(bases, about);
		}
		json_set(facts, "bases", bases);
	}
	json_write(facts, JSON_LINE, &text);
	return text_take(&text);
}

static void make_rows(const struct definition *definition, const struct evaluation *evaluation,
	struct plan_rows *rows)
{
	for (size_t i = 0; i < evaluation->count; i++) {
		const struct evaluated_image *image = &evaluation->images[i];
		MEMORY_GROW(rows->items, rows->count, rows->room);
		rows->items[rows->count++] = (struct plan_row){
			.definition = memory_copy_text(definition->key),
			.name = memory_copy_text(image->name),
			.facts = facts_of(definition, image),
			.has_closure = image->closure != NULL,
			.closure = image->digest,
		};
	}
}

static int put(struct index *index, const struct definition *definition,
	const struct evaluation *evaluation, const struct plan_rows *rows, struct error *err)
{
	const struct map *dependencies = &evaluation->inputs.dependencies;
	autofree struct plan_path *paths = memory_new(dependencies->count * sizeof(*paths));
	CLEANUP(strings_clear) struct strings bases = {0};

	for (size_t i = 0; i < dependencies->count; i++) {
		const struct dependency *dependency = dependencies->entries[i].value;
		paths[i] = (struct plan_path){dependency->path, dependency->prefix};
	}
	for (size_t i = 0; i < evaluation->count; i++) {
		if (reads_outside(&evaluation->images[i]))
			strings_add_once(&bases, OUTSIDE);
		for (size_t b = 0; b < evaluation->images[i].base_count; b++)
			strings_add_once(&bases, evaluation->images[i].bases[b].reference.image);
	}
	return plan_definition_put(index->store, index->tree.id, definition->key,
		&definition->digest, rows->items, rows->count, paths, dependencies->count, &bases,
		err);
}

static int64_t count_rows(struct index *index, const char *key, struct error *err)
{
	CLEANUP(plan_rows_clear) struct plan_rows rows = {0};

	if (plan_rows_of_definition(index->store, index->tree.id, key, &rows, err) < 0)
		return -1;
	return rows.count;
}

static int evaluate_into_rows(
	struct index *index, const struct definition *definition, struct error *err)
{
	CLEANUP(plan_rows_clear) struct plan_rows rows = {0};
	struct evaluation evaluation;
	int64_t before = count_rows(index, definition->key, err);

	if (before < 0 || evaluate(&index->evaluator, definition, &evaluation, err) < 0) {
		if (before >= 0)
			evaluation_clear(&evaluation);
		return -1;
	}
	make_rows(definition, &evaluation, &rows);
	int result = put(index, definition, &evaluation, &rows, err);
	index->tree.images += (int64_t)rows.count - before;
	evaluation_clear(&evaluation);
	return result;
}

static int drop(struct index *index, const char *key, struct error *err)
{
	int64_t before = count_rows(index, key, err);

	if (before < 0)
		return -1;
	index->tree.images -= before;
	return plan_definition_remove(index->store, index->tree.id, key, err);
}

/* ---- moving ---- */

/* The definition of KEY as FILE and SNAPSHOT have it; NULL if it is gone. */
static int find_definition(struct index *index, struct snapshot *snapshot,
	const struct definitions_file *file, struct definitions *listed, const char *key,
	struct definition **definition, struct error *err)
{
	struct entry entry;

	*definition = NULL;
	if (file && definitions_file_lists(file)) {
		if (!listed->count)
			definitions_file_read(file, listed);
		*definition = map_find(&listed->by_key, key);
		if (*definition) { /* handed over */
			map_set(&listed->by_key, key, NULL);
			for (size_t i = 0; i < listed->count; i++)
				if (listed->items[i] == *definition)
					listed->items[i] = NULL;
		}
		return 0;
	}
	if (snapshot_find(snapshot, key, &entry, err) < 0)
		return -1;
	if (entry.kind != ENTRY_FILE)
		return 0;
	int template = is_template(index->source, &entry.id, err);
	if (template > 0)
		*definition = definition_discover(key, file);
	return template <0 ? -1 : 0;
}

static int move(struct index *index, struct snapshot *snapshot, const struct definitions_file *file,
	const struct strings *keys, struct error *err)
{
	CLEANUP(definitions_clear) struct definitions listed = {0};
	int result = 0;

	index->evaluator.snapshot = snapshot;
	if (!index->tree.filled && plan_forget(index->store, index->tree.id, err) < 0)
		return -1;
	for (size_t i = 0; i < keys->count && result == 0; i++) {
		struct definition *definition;
		result = find_definition(
			index, snapshot, file, &listed, keys->items[i], &definition, err);
		if (result == 0)
			result = definition ? evaluate_into_rows(index, definition, err)
			                    : drop(index, keys->items[i], err);
		if (result == 0 || definition)
			definition_free(definition);
	}
	index->evaluator.snapshot = NULL;
	return result;
}

int index_move(struct index *index, const struct object_id *tree, const struct strings *keys,
	struct error *err)
{
	CLEANUP(definitions_file_freep) struct definitions_file *file = NULL;
	CLEANUP(snapshot_freep) struct snapshot *snapshot = NULL;
	CLEANUP(strings_clear) struct strings found = {0};
	struct object_id old = tree_id(&index->tree);

	if (index->tree.filled && object_id_equal(&old, tree))
		return 0;
	if (read_definitions_file(index->source, tree, &file, err) < 0)
		return -1;
	if (!keys) {
		if (find_changes(index, tree, file, &found, err) < 0)
			return -1;
		keys = &found;
	}
	snapshot = snapshot_new(index->source, tree);
	if (move(index, snapshot, file, keys, err) < 0)
		return -1;
	index->tree.filled = true;
	index->tree.fingerprint = index->fingerprint;
	index->tree.listed = file && definitions_file_lists(file);
	memcpy(index->tree.tree, tree->bytes, OBJECT_ID_SIZE);
	return plan_tree_set(index->store, &index->tree, err);
}

int index_read_definition_at(struct index *index, const struct object_id *tree, const char *key,
	struct definition **definition, struct error *err)
{
	CLEANUP(definitions_file_freep) struct definitions_file *file = NULL;
	CLEANUP(definitions_clear) struct definitions listed = {0};
	CLEANUP(snapshot_freep) struct snapshot *snapshot = snapshot_new(index->source, tree);

	if (read_definitions_file(index->source, tree, &file, err) < 0)
		return -1;
	return find_definition(index, snapshot, file, &listed, key, definition, err);
}

int index_has_file(struct index *index, const char *path, struct error *err)
{
	struct object_id tree = tree_id(&index->tree);
	CLEANUP(snapshot_freep) struct snapshot *snapshot = snapshot_new(index->source, &tree);
	struct entry entry;

	if (index->tree.listed)
		return 0;
	return snapshot_find(snapshot, path, &entry, err) < 0 ? -1 : entry.kind == ENTRY_FILE;
}

/* ---- bases ---- */

/* A row says another digest of its base than the base has now, or cannot know. */
static bool is_stale(const struct index *index, const struct plan_row *row)
{
	struct error ignored;
	autojson struct json *facts = NULL;

	if (strstr(row->facts, "\"outside\":true"))
		return true;
	if (!strstr(row->facts, "\"bases\"") ||
		json_parse_bytes(row->facts, strlen(row->facts), &facts, &ignored) < 0)
		return false;
	const struct json *bases = json_get(facts, "bases");
	for (size_t i = 0; i < json_count(bases); i++) {
		const struct json *base = json_item(bases, i);
		const char *text = json_get_text(base, "text", "catalog:");
		struct image_reference reference;
		struct digest digest;
		char now[DIGEST_TEXT_SIZE] = "";
		if (!image_reference_parse(text + strlen("catalog:"), &reference))
			continue;
		if (index->evaluator.find_base &&
			index->evaluator.find_base(index->evaluator.context, &reference, &digest))
			digest_text(&digest, now);
		image_reference_clear(&reference);
		if (strcmp(json_get_text(base, "digest", ""), now) != 0)
			return true;
	}
	return false;
}

int index_refresh_bases(struct index *index, size_t *changed, struct error *err)
{
	CLEANUP(plan_rows_clear) struct plan_rows rows = {0};
	CLEANUP(strings_clear) struct strings keys = {0};
	CLEANUP(definitions_file_freep) struct definitions_file *file = NULL;
	CLEANUP(snapshot_freep) struct snapshot *snapshot = NULL;
	struct object_id tree = tree_id(&index->tree);

	*changed = 0;
	if (plan_rows_with_bases(index->store, index->tree.id, &rows, err) < 0)
		return -1;
	for (size_t i = 0; i < rows.count; i++)
		if (is_stale(index, &rows.items[i]))
			strings_add_once(&keys, rows.items[i].definition);
	*changed = keys.count;
	if (!keys.count)
		return 0;
	if (read_definitions_file(index->source, &tree, &file, err) < 0)
		return -1;
	snapshot = snapshot_new(index->source, &tree);
	if (move(index, snapshot, file, &keys, err) < 0)
		return -1;
	return plan_tree_set(index->store, &index->tree, err);
}
