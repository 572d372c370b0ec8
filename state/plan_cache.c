/* SPDX-License-Identifier: Apache-2.0 */
#include "state/plan_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "state/statement.h"

int plan_tree_get(struct store *store, const char *place, struct plan_tree *tree, struct error *err)
{
	sqlite3_stmt *row =
		statement_begin(store, QUERY_PLAN_TREE_GET, WITH(string(":place", place)), err);
	int found = statement_step(store, row, err);

	*tree = (struct plan_tree){0};
	if (found < 0)
		return -1;
	if (!found) {
		if (statement_run(store, QUERY_PLAN_TREE_ADD, WITH(string(":place", place)), err) <
			0)
			return -1;
		tree->id = sqlite3_last_insert_rowid(store_database(store));
		return 0;
	}
	tree->id = sqlite3_column_int64(row, 0);
	tree->listed = sqlite3_column_int(row, 3);
	tree->images = sqlite3_column_int64(row, 4);
	tree->filled = sqlite3_column_bytes(row, 1) == (int)sizeof(tree->tree) &&
	               column_digest(row, 2, &tree->fingerprint);
	if (tree->filled)
		memcpy(tree->tree, sqlite3_column_blob(row, 1), sizeof(tree->tree));
	statement_end(row);
	return 0;
}

int plan_tree_set(struct store *store, const struct plan_tree *tree, struct error *err)
{
	return statement_run(store, QUERY_PLAN_TREE_SET,
		WITH(number(":tree", tree->id), blob(":id", tree->tree, sizeof(tree->tree)),
			digest_blob(":fingerprint", &tree->fingerprint),
			number(":listed", tree->listed), number(":images", tree->images)),
		err);
}

int plan_forget(struct store *store, int64_t tree, struct error *err)
{
	static const enum query queries[] = {QUERY_PLAN_TREE_REMOVE, QUERY_PLAN_IMAGES_REMOVE_ALL,
		QUERY_PLAN_PATHS_REMOVE_ALL, QUERY_PLAN_BASES_REMOVE_ALL,
		QUERY_PLAN_DEFINITIONS_REMOVE};

	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++)
		if (statement_run(store, queries[i], WITH(number(":tree", tree)), err) < 0)
			return -1;
	return 0;
}

void plan_rows_clear(struct plan_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		free(rows->items[i].definition);
		free(rows->items[i].name);
		free(rows->items[i].facts);
	}
	free(rows->items);
	*rows = (struct plan_rows){0};
}

static int list_rows(struct store *store, enum query query, const struct parameter *with,
	struct plan_rows *rows, struct error *err)
{
	sqlite3_stmt *row = statement_begin(store, query, with, err);
	int more;

	while ((more = statement_step(store, row, err)) > 0) {
		struct plan_row item = {.definition = column_text(row, 0),
			.name = column_text(row, 1),
			.facts = column_text(row, 2)};
		item.has_closure = column_digest(row, 3, &item.closure);
		MEMORY_GROW(rows->items, rows->count, rows->room);
		rows->items[rows->count++] = item;
	}
	return more;
}

int plan_rows_of_definition(struct store *store, int64_t tree, const char *key,
	struct plan_rows *rows, struct error *err)
{
	return list_rows(store, QUERY_PLAN_IMAGES_OF,
		WITH(number(":tree", tree), string(":key", key)), rows, err);
}

int plan_rows_called(struct store *store, int64_t tree, const char *name, struct plan_rows *rows,
	struct error *err)
{
	return list_rows(store, QUERY_PLAN_IMAGES_CALLED,
		WITH(number(":tree", tree), string(":name", name)), rows, err);
}

int plan_rows_with_bases(
	struct store *store, int64_t tree, struct plan_rows *rows, struct error *err)
{
	return list_rows(
		store, QUERY_PLAN_IMAGES_WITH_BASES, WITH(number(":tree", tree)), rows, err);
}

int plan_rows_all(struct store *store, int64_t tree, struct plan_rows *rows, struct error *err)
{
	return list_rows(store, QUERY_PLAN_IMAGES_ALL, WITH(number(":tree", tree)), rows, err);
}

int plan_definitions_of_path(struct store *store, int64_t tree, const char *path, bool below,
	struct strings *keys, struct error *err)
{
	sqlite3_stmt *row = statement_begin(
		store, QUERY_PLAN_BY_PATH, WITH(number(":tree", tree), string(":path", path)), err);
	int more;

	while ((more = statement_step(store, row, err)) > 0)
		if (!below || sqlite3_column_int(row, 1))
			strings_add_taken(keys, column_text(row, 0));
	return more;
}

static int list_keys(struct store *store, enum query query, const struct parameter *with,
	struct strings *keys, struct error *err)
{
	sqlite3_stmt *row = statement_begin(store, query, with, err);
	int more;

	while ((more = statement_step(store, row, err)) > 0)
		strings_add_taken(keys, column_text(row, 0));
	return more;
}

int plan_definitions_below(struct store *store, int64_t tree, const char *folder,
	struct strings *keys, struct error *err)
{
	/* '0' is what follows '/' */
	autofree char *low = memory_printf("%s/", folder), *high = memory_printf("%s0", folder);

	return list_keys(store, QUERY_PLAN_BELOW_PATH,
		WITH(number(":tree", tree), string(":low", low), string(":high", high)), keys, err);
}

int plan_children(struct store *store, int64_t tree, const char *base, struct strings *keys,
	struct error *err)
{
	return list_keys(store, QUERY_PLAN_CHILDREN,
		WITH(number(":tree", tree), string(":base", base)), keys, err);
}

int plan_definitions_list(
	struct store *store, int64_t tree, struct strings *keys, struct error *err)
{
	return list_keys(store, QUERY_PLAN_DEFINITIONS, WITH(number(":tree", tree)), keys, err);
}

/* The row's id in *ID, 0 if there is none. */
static int find_definition(struct store *store, int64_t tree, const char *key, int64_t *id,
	struct digest *digest, struct error *err)
{
	sqlite3_stmt *row = statement_begin(store, QUERY_PLAN_DEFINITION_GET,
		WITH(number(":tree", tree), string(":key", key)), err);
	int found = statement_step(store, row, err);

	*id = 0;
	if (found > 0) {
		*id = sqlite3_column_int64(row, 0);
		column_digest(row, 1, digest);
		statement_end(row);
	}
	return found;
}

int plan_definition_find(struct store *store, int64_t tree, const char *key, struct digest *digest,
	struct error *err)
{
	int64_t id;

	return find_definition(store, tree, key, &id, digest, err);
}

int plan_definition_remove(struct store *store, int64_t tree, const char *key, struct error *err)
{
	static const enum query queries[] = {QUERY_PLAN_IMAGES_REMOVE, QUERY_PLAN_PATHS_REMOVE,
		QUERY_PLAN_BASES_REMOVE, QUERY_PLAN_DEFINITION_REMOVE};
	struct digest ignored;
	int64_t id;
	int found = find_definition(store, tree, key, &id, &ignored, err);

	if (found <= 0)
		return found;
	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++)
		if (statement_run(store, queries[i], WITH(number(":definition", id)), err) < 0)
			return -1;
	return 0;
}

static int add_image(struct store *store, int64_t tree, int64_t definition, size_t position,
	const struct plan_row *image, struct error *err)
{
	return statement_run(store, QUERY_PLAN_IMAGE_ADD,
		WITH(number(":definition", definition), number(":position", position),
			number(":tree", tree), string(":name", image->name),
			string(":facts", image->facts),
			digest_blob(":closure", image->has_closure ? &image->closure : NULL)),
		err);
}

int plan_definition_put(struct store *store, int64_t tree, const char *key,
	const struct digest *digest, const struct plan_row *images, size_t image_count,
	const struct plan_path *paths, size_t path_count, const struct strings *bases,
	struct error *err)
{
	if (plan_definition_remove(store, tree, key, err) < 0 ||
		statement_run(store, QUERY_PLAN_DEFINITION_ADD,
			WITH(number(":tree", tree), string(":key", key),
				digest_blob(":digest", digest)),
			err) < 0)
		return -1;
	int64_t id = sqlite3_last_insert_rowid(store_database(store));
	for (size_t i = 0; i < image_count; i++)
		if (add_image(store, tree, id, i, &images[i], err) < 0)
			return -1;
	for (size_t i = 0; i < path_count; i++)
		if (statement_run(store, QUERY_PLAN_PATH_ADD,
			    WITH(number(":tree", tree), string(":path", paths[i].path),
				    number(":prefix", paths[i].prefix), number(":definition", id)),
			    err) < 0)
			return -1;
	strings_each (base, bases)
		if (statement_run(store, QUERY_PLAN_BASE_ADD,
			    WITH(number(":tree", tree), string(":base", base),
				    number(":definition", id)),
			    err) < 0)
			return -1;
	return 0;
}
