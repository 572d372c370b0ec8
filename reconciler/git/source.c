/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/strings.h"
#include "base/text.h"
#include "reconciler/git/tree.h"

struct source {
	git_repository *repository;
	git_odb *objects;
	char *place;
	char *mirror_note; /* NULL: it is no mirror */
	struct tree_cache *trees;
	struct source **submodules; /* filled at the first question */
	size_t submodule_count;
	bool submodules_known;
	bool hash_objects;
};

enum { COMMIT_SIZE_MOST = 4 * 1024 * 1024, SIGNATURE_SIZE_MOST = 64 * 1024 };

bool object_id_equal(const struct object_id *a, const struct object_id *b)
{
	return memcmp(a->bytes, b->bytes, OBJECT_ID_SIZE) == 0;
}

const char *object_id_hex(const struct object_id *id, char hex[static OBJECT_ID_HEX_SIZE])
{
	digest_write_hex(id->bytes, OBJECT_ID_SIZE, hex);
	return hex;
}

static const git_oid *theirs(const struct object_id *id)
{
	return (const git_oid *)id->bytes;
}

static const char *reason(void)
{
	const git_error *error = git_error_last();

	return error && error->message ? error->message : "unknown error of libgit2";
}

/*
 * No configuration of the user's or the system's is read: what is in a repository decides. Objects are
 * not hashed again at each read, as git does it; what goes into a build is checked by its SHA-256.
 */
int source_start(struct error *err)
{
	static bool done;
	static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
		GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL};

	if (done)
		return 0;
	if (git_libgit2_init() < 0)
		return fail(err, ERROR_BROKEN, "libgit2 does not start: %s", reason());
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
	git_libgit2_opts(GIT_OPT_ENABLE_CACHING, 0);
	done = true;
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The path of a file:// URL (percent escapes undone), or the path itself; the caller frees. */
static char *path_of(const char *place)
{
	struct text path = {0};

	if (!text_starts_with(place, "file://"))
		return memory_copy_text(place);
	place += strlen("file://");
	if (text_starts_with(place, "localhost/"))
		place += strlen("localhost");
	for (; *place; place++) {
		if (*place == '%' && hex_digit(place[1]) >= 0 && hex_digit(place[2]) >= 0) {
			text_add_char(&path, hex_digit(place[1]) << 4 | hex_digit(place[2]));
			place += 2;
		} else {
			text_add_char(&path, *place);
		}
	}
	return text_take(&path);
}

static int open_path(const char *path, git_repository **repository, struct error *err)
{
	struct stat status;

	if (git_repository_open_ext(repository, path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL) == 0)
		return 0;
	if (strstr(reason(), "objectformat"))
		return fail(err, ERROR_CATALOG,
			"%s keeps its objects under SHA-256 names, which libgit2 %s cannot read; "
			"kiln needs a "
			"SHA-1 repository",
			path, LIBGIT2_VERSION);
	if (stat(path, &status) < 0)
		return fail_errno(err, ERROR_CATALOG, "%s", path);
	return fail(err, ERROR_CATALOG, "%s is not a git repository (%s)", path, reason());
}

int source_open(const char *place, struct source **source, struct error *err)
{
	autofree char *path = path_of(place);
	git_repository *repository = NULL;
	git_odb *objects = NULL;

	if (source_start(err) < 0 || open_path(path, &repository, err) < 0)
		return -1;
	if (git_repository_odb(&objects, repository) < 0) {
		error_set(err, ERROR_BROKEN, "%s: cannot open its objects: %s", path, reason());
		git_repository_free(repository);
		return -1;
	}
	*source = memory_new(sizeof(**source));
	**source = (struct source){
		.repository = repository, .objects = objects, .place = memory_copy_text(place)};
	return 0;
}

struct tree_cache **source_tree_cache(struct source *source)
{
	return &source->trees;
}

void source_free(struct source *source)
{
	if (!source)
		return;
	for (size_t i = 0; i < source->submodule_count; i++)
		source_free(source->submodules[i]);
	free(source->submodules);
	git_odb_free(source->objects);
	git_repository_free(source->repository);
	tree_cache_free(source->trees);
	free(source->mirror_note);
	free(source->place);
	free(source);
}

char *source_discover(const char *folder)
{
	git_buf found = {0};
	struct error ignored;
	char *path = NULL;

	if (source_start(&ignored) < 0 || git_repository_discover(&found, folder, 1, NULL) < 0)
		return NULL;
	/* ".../.git/" is known by the folder around it */
	size_t size = strlen(found.ptr);
	if (size > 6 && strcmp(found.ptr + size - 6, "/.git/") == 0)
		found.ptr[size - 5] = '\0';
	path = realpath(found.ptr, NULL);
	git_buf_dispose(&found);
	return path;
}

char *source_canonical_path(const char *place, struct error *err)
{
	autofree char *path = path_of(place);
	char *canonical = realpath(path, NULL);

	if (!canonical)
		error_set_errno(err, ERROR_CATALOG, "%s", path);
	return canonical;
}

bool source_has_work_tree(const struct source *source)
{
	return !git_repository_is_bare(source->repository);
}

void source_hash_objects(struct source *source)
{
	source->hash_objects = true;
}

void source_set_mirror_note(struct source *source, const char *note)
{
	free(source->mirror_note);
	source->mirror_note = memory_copy_text(note);
}

const char *source_git_folder(const struct source *source)
{
	return git_repository_commondir(source->repository);
}

void commit_clear(struct commit *commit)
{
	free(commit->author);
	free(commit->subject);
	*commit = (struct commit){0};
}

static void describe(const git_commit *from, struct commit *commit)
{
	const git_signature *author = git_commit_author(from);
	const char *message = git_commit_message(from);

	memcpy(commit->id.bytes, git_commit_id(from)->id, OBJECT_ID_SIZE);
	memcpy(commit->tree.bytes, git_commit_tree_id(from)->id, OBJECT_ID_SIZE);
	commit->author = memory_printf("%s <%s>", author->name, author->email);
	commit->authored_usec = author->when.time * 1000000;
	while (*message == '\n')
		message++;
	commit->subject = memory_copy_bytes(message, strcspn(message, "\n"));
}

static int fail_resolve(struct source *source, const char *revision, int code, struct error *err)
{
	if (source_is_unborn(source) &&
		(strcmp(revision, "HEAD") == 0 || code == GIT_EUNBORNBRANCH))
		return fail(err, ERROR_CATALOG, "%s: HEAD names a branch that has no commit yet",
			source->place);
	if (git_repository_is_shallow(source->repository) == 1)
		return fail(err, ERROR_CATALOG,
			"%s has no revision %s; it is a shallow clone, which lacks older commits "
			"(git fetch "
			"--unshallow)",
			source->place, revision);
	if (code == GIT_ENOTFOUND)
		return fail(err, ERROR_CATALOG, "%s has no revision %s", source->place, revision);
	return fail(err, ERROR_CATALOG, "%s: '%s' does not name a commit%s%s", source->place,
		revision, git_error_last() ? ": " : "", git_error_last() ? reason() : "");
}

int source_resolve(
	struct source *source, const char *revision, struct commit *commit, struct error *err)
{
	git_object *named = NULL, *peeled = NULL;
	int code = git_revparse_single(&named, source->repository, revision);

	if (code == 0)
		code = git_object_peel(&peeled, named, GIT_OBJECT_COMMIT);
	git_object_free(named);
	if (code < 0)
		return fail_resolve(source, revision, code, err);
	*commit = (struct commit){0};
	describe((const git_commit *)peeled, commit);
	git_object_free(peeled);
	return 0;
}

int source_read_signature(struct source *source, const struct object_id *commit,
	struct text *signature, struct text *payload, int64_t *committed_sec, struct error *err)
{
	git_buf found = {0}, data = {0};
	git_oid id = *theirs(commit);
	git_commit *object = NULL;
	autofree char *raw = NULL;
	size_t size;

	if (source_read(source, commit, OBJECT_COMMIT, COMMIT_SIZE_MOST, &raw, &size, err) < 0)
		return -1;
	/* libgit2 would take what is before it for all that is signed */
	if (memchr(raw, '\0', size))
		return fail(err, ERROR_CATALOG, "it has a NUL byte");
	if (git_commit_lookup(&object, source->repository, &id) < 0)
		return fail(err, ERROR_CATALOG, "it cannot be read: %s", reason());
	*committed_sec = git_commit_time(object);
	git_commit_free(object);
	int code = git_commit_extract_signature(&found, &data, source->repository, &id, NULL);
	int result = code == 0;
	if (code == 0 && found.size > SIGNATURE_SIZE_MOST)
		result = fail(err, ERROR_CATALOG, "its signature is larger than %d bytes (%zu)",
			SIGNATURE_SIZE_MOST, found.size);
	else if (code < 0 && code != GIT_ENOTFOUND)
		result = fail(err, ERROR_CATALOG, "its signature cannot be read: %s", reason());
	if (result > 0) {
		text_add_bytes(signature, found.ptr, found.size);
		text_add_bytes(payload, data.ptr, data.size);
	}
	git_buf_dispose(&found);
	git_buf_dispose(&data);
	return result;
}

bool source_is_unborn(const struct source *source)
{
	return git_repository_head_unborn(source->repository) == 1;
}

int source_head_ref(struct source *source, char **ref, struct error *err)
{
	git_reference *head = NULL;

	if (git_reference_lookup(&head, source->repository, "HEAD") < 0)
		return fail(err, ERROR_CATALOG, "%s has no HEAD: %s", source->place, reason());
	const char *target = git_reference_symbolic_target(head);
	*ref = memory_copy_text(target ? target : "HEAD");
	git_reference_free(head);
	return 0;
}

static int fail_damaged(struct source *source, const struct object_id *id, enum error_kind kind,
	const char *why, struct error *err)
{
	char hex[OBJECT_ID_HEX_SIZE];

	object_id_hex(id, hex);
	if (!source->mirror_note)
		return fail(err, kind, "%s: the object %s %s", source->place, hex, why);
	unlink(source->mirror_note);
	return fail(err, ERROR_TRANSIENT, "%s: the object %s %s; the next fetch mends the mirror",
		source->place, hex, why);
}

static int fail_unread(
	struct source *source, const struct object_id *id, int code, struct error *err)
{
	autofree char *why = memory_printf("cannot be read: %s", reason());
	char hex[OBJECT_ID_HEX_SIZE];

	/* one that is not there may be asked for by a person */
	if (code == GIT_ENOTFOUND)
		return fail(err, ERROR_CATALOG, "%s: the object %s %s", source->place,
			object_id_hex(id, hex), why);
	return fail_damaged(source, id, ERROR_CATALOG, why, err);
}

int source_read(struct source *source, const struct object_id *id, enum object_kind kind,
	size_t most, char **bytes, size_t *size, struct error *err)
{
	static const git_object_t types[] = {[OBJECT_OTHER] = GIT_OBJECT_ANY,
		[OBJECT_COMMIT] = GIT_OBJECT_COMMIT,
		[OBJECT_TREE] = GIT_OBJECT_TREE,
		[OBJECT_BLOB] = GIT_OBJECT_BLOB};
	char hex[OBJECT_ID_HEX_SIZE];
	git_odb_object *object = NULL;

	int code = git_odb_read(&object, source->objects, theirs(id));
	if (code < 0)
		return fail_unread(source, id, code, err);
	git_object_t type = git_odb_object_type(object);
	size_t have = git_odb_object_size(object);
	int result = 0;
	git_oid hashed;
	if (source->hash_objects &&
		(git_odb_hash(&hashed, git_odb_object_data(object), have, type) < 0 ||
			!git_oid_equal(&hashed, theirs(id))))
		result = fail_damaged(source, id, ERROR_BROKEN,
			"is not what its name says: the repository is damaged, or somebody "
			"changed it (git fsck)",
			err);
	else if (kind != OBJECT_OTHER && type != types[kind])
		result = fail(err, ERROR_CATALOG, "%s: the object %s is a %s", source->place,
			object_id_hex(id, hex), git_object_type2string(type));
	else if (have > most)
		result = fail(err, ERROR_CATALOG, "larger than %zu bytes (%zu)", most, have);
	if (result == 0) {
		*bytes = memory_copy_bytes(git_odb_object_data(object), have);
		*size = have;
	}
	git_odb_object_free(object);
	return result;
}

int64_t source_size(struct source *source, const struct object_id *id)
{
	size_t size;
	git_object_t type;

	if (git_odb_read_header(&size, &type, source->objects, theirs(id)) < 0)
		return -1;
	return size;
}

bool source_has(struct source *source, const struct object_id *id)
{
	return git_odb_exists(source->objects, theirs(id)) == 1;
}

/* Adds the repositories at and below FOLDER: names of submodules may have slashes. */
static void find_modules(struct source *source, const char *folder, unsigned depth, size_t *room)
{
	CLEANUP(strings_clear) struct strings names = {0};
	struct error ignored;

	if (folder_list(AT_FDCWD, folder, &names, &ignored) < 0)
		return;
	if (strings_has(&names, "HEAD") && strings_has(&names, "objects")) {
		struct source *module;
		if (source_open(folder, &module, &ignored) == 0) {
			MEMORY_GROW(source->submodules, source->submodule_count, *room);
			source->submodules[source->submodule_count++] = module;
		}
		return;
	}
	strings_each (name, &names) {
		autofree char *inner = memory_printf("%s/%s", folder, name);
		if (depth < 8)
			find_modules(source, inner, depth + 1, room);
	}
}

struct source *source_find_submodule(struct source *source, const struct object_id *commit)
{
	size_t room = 0;

	if (!source->submodules_known) {
		autofree char *modules = memory_printf("%smodules", source_git_folder(source));
		find_modules(source, modules, 0, &room);
		source->submodules_known = true;
	}
	for (size_t i = 0; i < source->submodule_count; i++)
		if (source_has(source->submodules[i], commit))
			return source->submodules[i];
	return NULL;
}
