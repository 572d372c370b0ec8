/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/fetch/check.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "reconciler/git/fetch/failure.h"
#include "reconciler/git/tree.h"

enum { TREE_DEPTH_MOST = 256 };

/* ---- packs ---- */

struct json *check_list_packs(const char *path, struct error *err)
{
	autofree char *folder = memory_printf("%s/objects/pack", path);
	CLEANUP(strings_clear) struct strings names = {0};
	autojson struct json *packs = json_new_object();
	autoclose int fd = folder_open(AT_FDCWD, folder, err);
	struct stat status;

	if (fd < 0 || folder_list(fd, ".", &names, err) < 0)
		return NULL;
	strings_each (name, &names) {
		if (!text_ends_with(name, ".pack") && !text_ends_with(name, ".idx"))
			continue;
		if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
			error_set_errno(err, ERROR_BROKEN, "%s/%s", folder, name);
			return NULL;
		}
		json_set_integer(packs, name, status.st_size);
	}
	return TAKE(packs);
}

int check_packs(const char *path, struct error *err)
{
	autofree char *file = memory_printf("%s/kiln-mirror.json", path);
	autojson struct json *noted = NULL, *packs = check_list_packs(path, err);
	autofree char *text = NULL;
	size_t size;

	if (!packs || file_read(AT_FDCWD, file, 64 * 1024 * 1024, &text, &size, err) < 0 ||
		json_parse_bytes(text, size, &noted, err) < 0)
		return -1;
	if (json_get_integer(noted, "version", 0) == 1 &&
		json_equal(packs, json_get(noted, "packs")))
		return 0;
	return fail(err, ERROR_BROKEN, "%s: its packs are not those of %s", path, file);
}

/* ---- refs and what they need ---- */

struct walk {
	git_repository *repository;
	git_odb *objects;
	bool read;       /* files too are read, not only looked for */
	struct map seen; /* trees, by their hexadecimal names */
	struct error *err;
};

static int fail_object(struct walk *walk, const git_oid *id)
{
	const git_error *error = git_error_last();
	char hex[GIT_OID_HEXSZ + 1];

	return fail(walk->err, ERROR_BROKEN, "%s: the object %s cannot be read: %s",
		git_repository_path(walk->repository), git_oid_tostr(hex, sizeof(hex), id),
		error ? error->message : "it is not there");
}

static int look_at_file(struct walk *walk, const git_oid *id)
{
	git_odb_object *object = NULL;

	git_error_clear();
	if (!walk->read)
		return git_odb_exists(walk->objects, id) ? 0 : fail_object(walk, id);
	if (git_odb_read(&object, walk->objects, id) < 0)
		return fail_object(walk, id);
	git_odb_object_free(object);
	return 0;
}

static int look_at_tree(struct walk *walk, const git_oid *id, unsigned depth);

static int look_at_entry(struct walk *walk, const git_tree_entry *entry, unsigned depth)
{
	switch (git_tree_entry_type(entry)) {
	case GIT_OBJECT_TREE:
		return look_at_tree(walk, git_tree_entry_id(entry), depth + 1);
	case GIT_OBJECT_BLOB:
		return look_at_file(walk, git_tree_entry_id(entry));
	default: /* a submodule's commit is elsewhere */
		return 0;
	}
}

static int look_at_tree(struct walk *walk, const git_oid *id, unsigned depth)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_tree *tree = NULL;
	int result = 0;

	if (depth > TREE_DEPTH_MOST)
		return fail(walk->err, ERROR_BROKEN, "%s: folders are more than %d deep",
			git_repository_path(walk->repository), TREE_DEPTH_MOST);
	git_oid_tostr(hex, sizeof(hex), id);
	if (map_find_place(&walk->seen, hex))
		return 0;
	git_error_clear();
	if (git_tree_lookup(&tree, walk->repository, id) < 0)
		return fail_object(walk, id);
	for (size_t i = 0; i < git_tree_entrycount(tree) && result == 0; i++)
		result = look_at_entry(walk, git_tree_entry_byindex(tree, i), depth);
	git_tree_free(tree);
	map_set(&walk->seen, hex, NULL);
	return result;
}

static int look_at_commit(struct walk *walk, const git_oid *id, bool tree)
{
	git_commit *commit = NULL;
	int result = 0;

	git_error_clear();
	if (git_commit_lookup(&commit, walk->repository, id) < 0)
		return fail_object(walk, id);
	if (tree)
		result = look_at_tree(walk, git_commit_tree_id(commit), 0);
	git_commit_free(commit);
	return result;
}

static int look_at_ref(struct walk *walk, const char *name, bool tree)
{
	git_reference *reference = NULL;
	git_object *commit = NULL;
	int result;

	git_error_clear();
	if (git_reference_lookup(&reference, walk->repository, name) < 0)
		return fail_git_local(walk->err, name);
	if (git_reference_peel(&commit, reference, GIT_OBJECT_COMMIT) < 0)
		result = fail_git_local(walk->err, name);
	else
		result = look_at_commit(walk, git_object_id(commit), tree);
	git_object_free(commit);
	git_reference_free(reference);
	return result;
}

/* libgit2's list passes silently over a file that is no ref; NAME is below the repository's folder. */
static int look_at_ref_files(struct walk *walk, const char *name)
{
	CLEANUP(strings_clear) struct strings names = {0};
	autofree char *folder = memory_printf("%s%s", git_repository_path(walk->repository), name);
	git_reference *reference = NULL;
	struct stat status;
	int result = 0;

	if (lstat(folder, &status) == 0 && !S_ISDIR(status.st_mode)) {
		if (git_reference_lookup(&reference, walk->repository, name) < 0)
			return fail_git_local(walk->err, name);
		git_reference_free(reference);
		return 0;
	}
	if (folder_list(AT_FDCWD, folder, &names, walk->err) < 0)
		return -1;
	strings_each (inner, &names) {
		autofree char *path = memory_printf("%s/%s", name, inner);
		if (result == 0 && !text_ends_with(inner, ".lock"))
			result = look_at_ref_files(walk, path);
	}
	return result;
}

static int walk_refs(struct walk *walk, bool trees)
{
	git_strarray names = {0};
	int result;

	if (git_repository_odb(&walk->objects, walk->repository) < 0)
		return fail_git_local(walk->err, git_repository_path(walk->repository));
	result = look_at_ref_files(walk, "refs");
	if (result == 0 && git_reference_list(&names, walk->repository) < 0)
		result = fail_git_local(walk->err, git_repository_path(walk->repository));
	for (size_t i = 0; i < names.count && result == 0; i++)
		result = look_at_ref(walk, names.strings[i], trees);
	git_strarray_dispose(&names);
	git_odb_free(walk->objects);
	map_clear(&walk->seen);
	return result;
}

int check_refs(struct git_repository *repository, struct error *err)
{
	struct walk walk = {.repository = repository, .err = err};

	return walk_refs(&walk, false);
}

int check_contents(struct git_repository *repository, struct error *err)
{
	struct walk walk = {.repository = repository, .read = true, .err = err};

	return walk_refs(&walk, true);
}

static int walk_commits(struct walk *walk, git_revwalk *commits)
{
	git_oid id;
	int code, result = 0;

	git_error_clear();
	if (git_revwalk_push_glob(commits, "refs/*") < 0)
		return fail_git_local(walk->err, git_repository_path(walk->repository));
	while (result == 0 && (code = git_revwalk_next(&id, commits)) != GIT_ITEROVER)
		result = code < 0 ? fail_git_local(walk->err, git_repository_path(walk->repository))
		                  : look_at_commit(walk, &id, true);
	return result;
}

int check_history(struct git_repository *repository, struct error *err)
{
	struct walk walk = {.repository = repository, .err = err};
	git_revwalk *commits = NULL;
	int result;

	if (git_repository_odb(&walk.objects, repository) < 0 ||
		git_revwalk_new(&commits, repository) < 0)
		result = fail_git_local(err, git_repository_path(repository));
	else
		result = walk_commits(&walk, commits);
	git_revwalk_free(commits);
	git_odb_free(walk.objects);
	map_clear(&walk.seen);
	return result;
}

/* ---- what has just come ---- */

static int look_for_entry(void *context, const char *path, const struct entry *old,
	const struct entry *new, struct error *err)
{
	char hex[OBJECT_ID_HEX_SIZE];

	(void)old;
	if (new->kind == ENTRY_NONE || new->kind == ENTRY_SUBMODULE ||
		source_has(context, &new->id))
		return 0;
	return fail(err, ERROR_TRANSIENT, "the object %s, which is %s, did not come",
		object_id_hex(&new->id, hex), path);
}

int check_arrival(const char *path, const struct object_id *old, const struct object_id *commit,
	struct error *err)
{
	CLEANUP(source_freep) struct source *source = NULL;
	CLEANUP(commit_clear) struct commit before = {0}, after = {0};
	char hex[OBJECT_ID_HEX_SIZE];

	if (source_open(path, &source, err) < 0 ||
		source_resolve(source, object_id_hex(commit, hex), &after, err) < 0)
		return -1;
	if (old && source_resolve(source, object_id_hex(old, hex), &before, err) < 0)
		return -1;
	if (tree_diff(source, old ? &before.tree : NULL, &after.tree, look_for_entry, source, err) <
		0)
		return fail_while(err, "commit %s", object_id_hex(commit, hex));
	return 0;
}
