/* SPDX-License-Identifier: Apache-2.0 */
#include "state/plan_cache.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/unit/check.h"

static struct error err;
static struct store *store;
static int64_t tree_id;

static const char *join_sorted(struct strings *keys)
{
	static char *last;

	free(last);
	strings_sort(keys);
	last = strings_join(keys, " ");
	strings_clear(keys);
	return last;
}

static const char *of_path(const char *path, bool below)
{
	struct strings keys = {0};

	plan_definitions_of_path(store, tree_id, path, below, &keys, &err);
	return join_sorted(&keys);
}

static const char *children(int64_t tree, const char *base)
{
	struct strings keys = {0};

	plan_children(store, tree, base, &keys, &err);
	return join_sorted(&keys);
}

static const char *names(int result, struct plan_rows *rows)
{
	struct strings keys = {0};

	if (result < 0)
		strings_add(&keys, "error");
	for (size_t i = 0; i < rows->count; i++)
		strings_add(&keys, rows->items[i].name);
	plan_rows_clear(rows);
	return join_sorted(&keys);
}

static int put(int64_t tree, const char *key, const char *image, const struct plan_path *paths,
	size_t path_count, const char *base)
{
	CLEANUP(strings_clear) struct strings bases = {0};
	struct digest digest = {{(unsigned char)key[0]}};
	char name[] = "second", facts[] = "{\"x\":1}";
	struct plan_row rows[] = {
		{.name = (char *)(uintptr_t)image,
			.facts = facts,
			.has_closure = true,
			.closure = {{9}}},
		{.name = name, .facts = facts},
	};

	if (base)
		strings_add(&bases, base);
	return plan_definition_put(
		store, tree, key, &digest, rows, 2, paths, path_count, &bases, &err);
}

static void keeps_trees(void)
{
	struct plan_tree tree, again;

	CHECK(plan_tree_get(store, "/srv/zoo", &tree, &err) == 0 && tree.id && !tree.filled,
		"a repository that was never planned has an empty entry");
	CHECK(plan_tree_get(store, "/srv/ark", &again, &err) == 0 && again.id != tree.id,
		"another one has another");
	tree_id = tree.id;
	memset(tree.tree, 7, sizeof(tree.tree));
	tree.fingerprint.bytes[0] = 5;
	tree.listed = true;
	tree.images = 12;
	CHECK(plan_tree_set(store, &tree, &err) == 0 &&
			plan_tree_get(store, "/srv/zoo", &again, &err) == 0,
		"what was found at a tree is noted");
	CHECK(again.id == tree.id && again.filled && again.listed && again.images == 12 &&
			memcmp(again.tree, tree.tree, sizeof(tree.tree)) == 0 &&
			digest_equal(&again.fingerprint, &tree.fingerprint),
		"and comes back");
}

static void keeps_definitions(void)
{
	static const struct plan_path cat[] = {{"cat.json", false}, {"scripts", true}},
				      dog[] = {{"dog.json", false}, {"scripts", false}};
	struct plan_rows rows = {0};
	struct digest digest;

	CHECK(plan_definition_find(store, tree_id, "cat.json", &digest, &err) == 0,
		"none is known yet");
	CHECK(put(tree_id, "cat.json", "cat", cat, 2, NULL) == 0 &&
			put(tree_id + 1000, "cat.json", "far", cat, 2, "cat") == 0 &&
			put(tree_id, "dog.json", "dog", dog, 2, "cat") == 0,
		"two definitions, and one of another tree");
	CHECK(plan_definition_find(store, tree_id, "dog.json", &digest, &err) == 1 &&
			digest.bytes[0] == 'd',
		"one that is known, with its digest");
	CHECK_TEXT(of_path("cat.json", false), "cat.json", "whose plan a path can alter");
	CHECK_TEXT(of_path("scripts", false), "cat.json dog.json", "both of them");
	CHECK_TEXT(of_path("scripts", true), "cat.json", "something below it only the one");
	CHECK_TEXT(of_path("script", false), "", "not by the beginning of a name");
	CHECK_TEXT(children(tree_id, "cat"), "dog.json", "what is built on an image");
	CHECK_TEXT(names(plan_rows_all(store, tree_id, &rows, &err), &rows),
		"cat dog second second", "all images of the tree");
	CHECK_TEXT(names(plan_rows_called(store, tree_id, "dog", &rows, &err), &rows), "dog",
		"those of a name");
	CHECK_TEXT(names(plan_rows_with_bases(store, tree_id, &rows, &err), &rows), "dog second",
		"those built on others");
	if (CHECK(plan_rows_of_definition(store, tree_id, "cat.json", &rows, &err) == 0 &&
			    rows.count == 2,
		    "those of a definition")) {
		CHECK(rows.items[0].has_closure && rows.items[0].closure.bytes[0] == 9 &&
				!rows.items[1].has_closure,
			"in their order, with the closures that are known");
		CHECK_TEXT(rows.items[0].facts, "{\"x\":1}", "and what else is known");
	}
	plan_rows_clear(&rows);
}

static void replaces_and_forgets(void)
{
	static const struct plan_path other[] = {{"other", false}};
	struct plan_rows rows = {0};
	struct strings keys = {0};
	struct plan_tree tree;

	CHECK(put(tree_id, "dog.json", "puppy", other, 1, NULL) == 0, "a definition anew");
	CHECK_TEXT(of_path("scripts", false), "cat.json", "its old paths are gone");
	CHECK_TEXT(of_path("other", false), "dog.json", "its new one counts");
	CHECK_TEXT(children(tree_id, "cat"), "", "its base is gone");
	CHECK_TEXT(names(plan_rows_all(store, tree_id, &rows, &err), &rows),
		"cat puppy second second", "its old image too");
	CHECK(plan_definition_remove(store, tree_id, "cat.json", &err) == 0, "one is removed");
	plan_definitions_list(store, tree_id, &keys, &err);
	CHECK_TEXT(join_sorted(&keys), "dog.json", "the other stays");
	CHECK_TEXT(of_path("cat.json", false), "", "and nothing of the first");
	CHECK(plan_forget(store, tree_id, &err) == 0 &&
			plan_tree_get(store, "/srv/zoo", &tree, &err) == 0 && tree.id == tree_id &&
			!tree.filled,
		"all is forgotten but the entry");
	CHECK_TEXT(names(plan_rows_all(store, tree_id, &rows, &err), &rows), "", "no images");
	CHECK_TEXT(of_path("other", false), "", "no paths");
	CHECK_TEXT(children(tree_id + 1000, "cat"), "cat.json", "another tree keeps its own");
}

int main(void)
{
	if (CHECK(store_open_memory(&store, &err) == 0, "a store")) {
		keeps_trees();
		keeps_definitions();
		replaces_and_forgets();
	}
	store_close(store);
	return check_done();
}
