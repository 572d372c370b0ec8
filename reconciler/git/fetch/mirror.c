/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/fetch/mirror.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/files.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "reconciler/git/fetch/check.h"
#include "reconciler/git/fetch/failure.h"

#define NOTE MIRROR_NOTE

/* ---- the lock ---- */

/* The lock is the folder's own. 1: it is ours; 0: it is gone, or another one is there now, and the lock is worth nothing. */
static int lock_folder(const char *path, int *fd, struct error *err)
{
	struct stat locked, there;
	autoclose int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		return errno == ENOENT ? 0 : fail_errno(err, ERROR_BROKEN, "the mirror %s", path);
	while (flock(folder, LOCK_EX) < 0)
		if (errno != EINTR)
			return fail_errno(err, ERROR_BROKEN, "the lock of %s", path);
	if (fstat(folder, &locked) < 0 || stat(path, &there) < 0 || locked.st_ino != there.st_ino ||
		locked.st_dev != there.st_dev)
		return 0;
	*fd = TAKE_FD(folder);
	return 1;
}

static bool is_empty(const char *path)
{
	CLEANUP(strings_clear) struct strings names = {0};
	struct error ignored;

	return folder_list(AT_FDCWD, path, &names, &ignored) == 0 && names.count == 0;
}

static char *path_aside(const char *path)
{
	return memory_printf("%s.old", path);
}

/*
 * What a run that was killed between the renames of exchange() set aside has the pins: it comes back where nothing took its
 * place. Who sets it aside just now has its lock. 0: it went elsewhere meanwhile.
 */
static int take_back(struct mirror *mirror, struct error *err)
{
	autofree char *aside = path_aside(mirror->path);
	autoclose int fd = -1;
	struct error ignored;

	if (!file_exists(AT_FDCWD, aside))
		return 1;
	if (!is_empty(mirror->path)) {
		folder_remove(AT_FDCWD, aside, &ignored);
		return 1;
	}
	int code = lock_folder(aside, &fd, err);
	if (code <= 0)
		return code;
	if (rename(aside, mirror->path) < 0)
		return errno == ENOTEMPTY || errno == EEXIST
		               ? 0
		               : fail_errno(err, ERROR_BROKEN, "%s cannot come back", aside);
	cleanup_close(&mirror->lock_fd);
	mirror->lock_fd = TAKE_FD(fd);
	return 1;
}

/* Who waited for one that was swapped away meanwhile waits for the new one (0). */
static int try_lock(struct mirror *mirror, struct error *err)
{
	cleanup_close(&mirror->lock_fd);
	if (mkdir(mirror->path, 0777) < 0 && errno != EEXIST)
		return fail_errno(err, ERROR_BROKEN, "the mirror %s cannot be made", mirror->path);
	int code = lock_folder(mirror->path, &mirror->lock_fd, err);
	return code <= 0 ? code : take_back(mirror, err);
}

/* ---- what killed runs left ---- */

static char *path_beside(const char *path)
{
	return memory_printf("%s.new", path);
}

static bool is_noted(const struct mirror *mirror)
{
	autofree char *note = memory_printf("%s/" NOTE, mirror->path);

	return file_exists(AT_FDCWD, note);
}

/* Files of FOLDER whose names have PIECE, and of those below it unless DEPTH is 0. */
static void sweep_folder(const char *folder, const char *piece, unsigned depth)
{
	CLEANUP(strings_clear) struct strings names = {0};
	struct error ignored;

	if (folder_list(AT_FDCWD, folder, &names, &ignored) < 0)
		return;
	strings_each (name, &names) {
		autofree char *path = memory_printf("%s/%s", folder, name);
		struct stat status;
		if (lstat(path, &status) < 0)
			continue;
		if (!S_ISDIR(status.st_mode) && strstr(name, piece))
			unlink(path);
		else if (S_ISDIR(status.st_mode) && depth)
			sweep_folder(path, piece, depth - 1);
	}
}

/* libgit2's locks and what was half written: nobody else writes here, so they are of processes that are no more. */
static void sweep_files(const struct mirror *mirror)
{
	autofree char *packs = memory_printf("%s/objects/pack", mirror->path);
	autofree char *refs = memory_printf("%s/refs", mirror->path);

	sweep_folder(mirror->path, ".lock", 0);
	sweep_folder(mirror->path, NOTE ".new.", 0);
	sweep_folder(refs, ".lock", 64);
	sweep_folder(packs, "_git2_", 0);
}

static void sweep(const struct mirror *mirror)
{
	autofree char *beside = path_beside(mirror->path);
	autofree char *ssh = memory_printf("%s/kiln-ssh", mirror->path);
	struct error ignored;

	folder_remove(AT_FDCWD, beside, &ignored);
	folder_remove(AT_FDCWD, ssh, &ignored);
	if (!is_noted(mirror))
		sweep_files(mirror);
}

int mirror_lock(const char *path, struct mirror *mirror, struct error *err)
{
	int code;

	*mirror = (struct mirror){.path = memory_copy_text(path), .lock_fd = -1};
	while ((code = try_lock(mirror, err)) == 0)
		;
	if (code < 0)
		return -1;
	sweep(mirror);
	return 0;
}

void mirror_close(struct mirror *mirror)
{
	struct error ignored;

	git_repository_free(mirror->repository);
	if (mirror->lock_fd >= 0)
		rmdir(mirror->path); /* where it came to nothing, nothing stays */
	if (mirror->beside)
		folder_remove(AT_FDCWD, mirror->path, &ignored);
	cleanup_close(&mirror->lock_fd);
	free(mirror->path);
	*mirror = (struct mirror){.lock_fd = -1};
}

/* ---- opening ---- */

static int check_shape(struct mirror *mirror, struct error *err)
{
	git_reference *head = NULL;
	int valid = 0;

	git_error_clear();
	if (git_repository_open_ext(
		    &mirror->repository, mirror->path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL) < 0)
		return fail_git_local(err, mirror->path);
	if (!git_repository_is_bare(mirror->repository))
		return fail(err, ERROR_BROKEN, "%s is not bare", mirror->path);
	if (git_repository_is_shallow(mirror->repository))
		return fail(err, ERROR_BROKEN, "%s is shallow", mirror->path);
	if (git_reference_lookup(&head, mirror->repository, "HEAD") < 0)
		return fail_git_local(err, mirror->path);
	const char *target = git_reference_symbolic_target(head);
	if (target)
		git_reference_name_is_valid(&valid, target);
	git_reference_free(head);
	return valid ? 0 : fail(err, ERROR_BROKEN, "%s: its HEAD names no ref", mirror->path);
}

static int check_mirror(struct mirror *mirror, bool thorough, struct error *err)
{
	struct error ignored;

	if (check_shape(mirror, err) < 0)
		return -1;
	mirror->in_doubt = check_packs(mirror->path, &ignored) < 0;
	if (!thorough && !mirror->in_doubt)
		return check_refs(mirror->repository, err);
	return check_contents(mirror->repository, err);
}

enum mirror_health mirror_open(struct mirror *mirror, bool thorough, struct error *why)
{
	if (is_empty(mirror->path))
		return MIRROR_NONE;
	if (check_mirror(mirror, thorough, why) == 0)
		return MIRROR_GOOD;
	git_repository_free(TAKE(mirror->repository));
	return MIRROR_BROKEN;
}

int mirror_new(const struct mirror *mirror, struct mirror *made, struct error *err)
{
	git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;

	*made = (struct mirror){.path = path_beside(mirror->path), .lock_fd = -1, .beside = true};
	options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKDIR |
	                GIT_REPOSITORY_INIT_NO_REINIT;
	options.initial_head = "main";
	git_error_clear();
	if (git_repository_init_ext(&made->repository, made->path, &options) < 0)
		return fail_git_local(err, made->path);
	return 0;
}

/* ---- taking its place ---- */

/* One step where the file system can do it; else two, between which there is no mirror: a reader's next try finds it, as does mirror_lock after a kill. */
static int exchange(const char *new, const char *old, struct error *err)
{
	autofree char *aside = path_aside(old);
	struct error ignored;

	if (renameat2(AT_FDCWD, new, AT_FDCWD, old, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return fail_errno(err, ERROR_BROKEN, "%s cannot take its place", new);
	folder_remove(AT_FDCWD, aside, &ignored);
	if (rename(old, aside) < 0 || rename(new, old) < 0 || rename(aside, new) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s cannot take its place", new);
	return 0;
}

int mirror_swap(struct mirror *mirror, struct mirror *made, struct error *err)
{
	autofree char *folder = path_folder(mirror->path);
	autoclose int fd = open(made->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return fail_errno(err, ERROR_BROKEN, "the lock of %s", made->path);
	if (syncfs(fd) < 0)
		return fail_errno(err, ERROR_RESOURCE, "%s", made->path);
	FAULT("fetch-before-swap");
	if (exchange(made->path, mirror->path, err) < 0)
		return -1;
	FAULT("fetch-swapped");
	/* closing MADE removes what stands under its name now: the old one */
	git_repository_free(TAKE(mirror->repository));
	return folder_sync(AT_FDCWD, *folder ? folder : "/", err);
}

int mirror_begin(struct mirror *mirror, struct error *err)
{
	autofree char *note = memory_printf("%s/" NOTE, mirror->path);

	if (unlink(note) < 0 && errno != ENOENT)
		return fail_errno(err, ERROR_BROKEN, "%s", note);
	return folder_sync(AT_FDCWD, mirror->path, err);
}

int mirror_finish(struct mirror *mirror, struct error *err)
{
	autofree char *note = memory_printf("%s/" NOTE, mirror->path);
	autojson struct json *value = json_new_object();
	struct json *packs = check_list_packs(mirror->path, err);

	if (!packs)
		return -1;
	json_set_integer(value, "version", 1);
	json_set(value, "packs", packs);
	autofree char *line = json_to_line(value);
	FAULT("fetch-before-note");
	return file_replace(AT_FDCWD, note, 0644, line, strlen(line), err);
}

/* ---- refs ---- */

static git_oid to_git(const struct object_id *id)
{
	git_oid oid = {0};

	memcpy(oid.id, id->bytes, sizeof(oid.id));
	return oid;
}

int mirror_commit(struct mirror *mirror, const char *name, const struct object_id *object,
	struct object_id *commit, struct error *err)
{
	git_object *found = NULL, *peeled = NULL;
	git_oid oid = to_git(object);
	int code;

	git_error_clear();
	code = git_object_lookup(&found, mirror->repository, &oid, GIT_OBJECT_ANY);
	if (code == 0 && git_object_peel(&peeled, found, GIT_OBJECT_COMMIT) == 0)
		memcpy(commit->bytes, git_object_id(peeled)->id, sizeof(commit->bytes));
	if (code < 0)
		fail_git_local(err, name);
	else if (!peeled)
		error_set(err, ERROR_CATALOG, "%s names a %s, not a commit", name,
			git_object_type2string(git_object_type(found)));
	code = peeled ? 0 : -1;
	git_object_free(peeled);
	git_object_free(found);
	return code;
}

bool mirror_find(struct mirror *mirror, const char *ref, struct object_id *id)
{
	git_oid oid;

	if (git_reference_name_to_id(&oid, mirror->repository, ref) < 0)
		return false;
	memcpy(id->bytes, oid.id, sizeof(id->bytes));
	return true;
}

int mirror_set(
	struct mirror *mirror, const char *ref, const struct object_id *id, struct error *err)
{
	git_reference *made = NULL;
	git_oid oid;
	int code;

	git_error_clear();
	if (id) {
		oid = to_git(id);
		code = git_reference_create(&made, mirror->repository, ref, &oid, 1, NULL);
	} else {
		code = git_reference_remove(mirror->repository, ref);
	}
	git_reference_free(made);
	return code < 0 ? fail_git_local(err, ref) : 0;
}

int mirror_set_head(struct mirror *mirror, const char *ref, struct error *err)
{
	git_reference *made = NULL;

	git_error_clear();
	if (git_reference_symbolic_create(&made, mirror->repository, "HEAD", ref, 1, NULL) < 0)
		return fail_git_local(err, "HEAD");
	git_reference_free(made);
	return 0;
}

bool mirror_head_is(struct mirror *mirror, const char *ref)
{
	git_reference *head = NULL;
	bool same;

	if (git_reference_lookup(&head, mirror->repository, "HEAD") < 0)
		return false;
	const char *target = git_reference_symbolic_target(head);
	same = target && strcmp(target, ref) == 0;
	git_reference_free(head);
	return same;
}

int mirror_refs(struct mirror *mirror, struct strings *refs, struct error *err)
{
	git_strarray names = {0};

	git_error_clear();
	if (git_reference_list(&names, mirror->repository) < 0)
		return fail_git_local(err, mirror->path);
	for (size_t i = 0; i < names.count; i++)
		strings_add(refs, names.strings[i]);
	git_strarray_dispose(&names);
	strings_sort(refs);
	return 0;
}
