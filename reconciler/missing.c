/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/missing.h"

#include <string.h>

#include "backends/journal.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"
#include "reconciler/inputs.h"
#include "reconciler/repository.h"
#include "state/image.h"

enum { SHOWN_MOST = 8 };

/* Those of TRIED that the commit has: the inputs were laid out from it, so what is there and was not found is none of them. */
static int find_in_commit(const struct replacement *replacement, const struct json *tried,
	struct strings *paths, struct error *err)
{
	CLEANUP(repository_close) struct repository repository = {0};
	CLEANUP(commit_clear) struct commit commit = {0};
	CLEANUP(reasons_clear) struct reasons ignored = {0};
	CLEANUP(blob_cache_clear) struct blob_cache cache = {{0}};
	CLEANUP(inputs_clear) struct inputs inputs = {0};

	if (repository_open(
		    replacement->head, replacement->repository.place, NULL, &repository, err) < 0 ||
		repository_resolve(&repository, replacement->build.commit, &commit, err) < 0)
		return -1;
	CLEANUP(snapshot_freep)
	struct snapshot *snapshot = snapshot_new(repository.source, &commit.tree);
	inputs_init(&inputs, snapshot, &cache, NULL, &ignored);
	for (size_t i = 0; i < json_count(tried); i++) {
		autofree char *path = path_beneath("", json_text(json_item(tried, i), ""));
		bool found = false;
		if (!path || !*path)
			continue;
		if (inputs_matches(&inputs, path, &found, err) < 0)
			return -1;
		if (found)
			strings_add_once(paths, path);
	}
	return 0;
}

/* Drops what lies in a folder that is there too. */
static void drop_inner(struct strings *paths)
{
	struct strings kept = {0};

	strings_sort(paths);
	strings_each (path, paths)
		if (!kept.count || !path_is_within(path, kept.items[kept.count - 1]))
			strings_add(&kept, path);
	strings_clear(paths);
	*paths = kept;
}

static char *list_as_json(const struct strings *paths)
{
	autojson struct json *list = json_new_list();

	for (size_t i = 0; i < paths->count && i < SHOWN_MOST; i++)
		json_add_text(list, paths->items[i]);
	return json_to_line(list);
}

void missing_explain(struct replacement *replacement)
{
	const struct json *entry = journal_find_last(replacement->journal, "tried");
	CLEANUP(strings_clear) struct strings paths = {0};
	struct error ignored;

	if (!entry || json_get_integer(entry, "serial", -1) != replacement->build.attempts)
		return;
	if (find_in_commit(replacement, json_get(entry, "paths"), &paths, &ignored) < 0 ||
		!paths.count)
		return;
	drop_inner(&paths);
	autofree char *list = list_as_json(&paths);
	autofree char *more = paths.count > SHOWN_MOST
	                              ? memory_printf(" and %zu more", paths.count - SHOWN_MOST)
	                              : memory_copy_text("");
	struct error *failure = &replacement->failure;
	autofree char *said = memory_copy_text(failure->text);
	error_set(failure, failure->kind,
		"%.400s; it looked for files of the repository that are not among its inputs%s: "
		"add \"inputs\": %s to its definition in kiln.json",
		said, more, list);
}
