/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/fetch/repack.h"

#include <fcntl.h>
#include <git2.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/files.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "reconciler/git/fetch/check.h"
#include "reconciler/git/fetch/failure.h"

enum { PACKS_MOST = 50 };
/* More would take its time and memory at each fiftieth fetch: who has that much can run git gc in the mirror. */
#define BYTES_MOST (1024ll * 1024 * 1024)

static bool are_many(const struct json *packs)
{
	int64_t count = 0, bytes = 0;

	json_each_member (pack, packs) {
		count += text_ends_with(pack.key, ".pack");
		bytes += json_integer(pack.value, 0);
	}
	return count > PACKS_MOST && bytes <= BYTES_MOST;
}

/* A walk of commits does not meet the tags that name them. */
static int insert_tags(git_repository *repository, git_packbuilder *builder)
{
	git_reference_iterator *refs = NULL;
	git_reference *ref;
	int code = git_reference_iterator_new(&refs, repository);

	while (code == 0 && (code = git_reference_next(&ref, refs)) == 0) {
		git_object *object = NULL, *inner;
		if (git_reference_target(ref))
			code = git_object_lookup(
				&object, repository, git_reference_target(ref), GIT_OBJECT_ANY);
		while (code == 0 && object && git_object_type(object) == GIT_OBJECT_TAG) {
			code = git_packbuilder_insert(builder, git_object_id(object), NULL);
			inner = NULL;
			if (code == 0)
				code = git_tag_target(&inner, (git_tag *)object);
			git_object_free(object);
			object = inner;
		}
		git_object_free(object);
		git_reference_free(ref);
	}
	git_reference_iterator_free(refs);
	return code == GIT_ITEROVER ? 0 : code;
}

/* The name of the new pack, without its ending, in *NAME. */
static int write_pack(git_repository *repository, char **name)
{
	git_packbuilder *builder = NULL;
	git_revwalk *commits = NULL;
	int code = -1;

	if (git_packbuilder_new(&builder, repository) == 0 &&
		git_revwalk_new(&commits, repository) == 0 &&
		git_revwalk_push_glob(commits, "refs/*") == 0 &&
		git_packbuilder_insert_walk(builder, commits) == 0 &&
		insert_tags(repository, builder) == 0)
		code = git_packbuilder_write(builder, NULL, 0, NULL, NULL);
	if (code == 0)
		*name = memory_printf("pack-%s.", git_packbuilder_name(builder));
	git_revwalk_free(commits);
	git_packbuilder_free(builder);
	return code;
}

int repack_if_many(struct mirror *mirror, struct error *err)
{
	autojson struct json *packs = check_list_packs(mirror->path, err);
	autofree char *folder = memory_printf("%s/objects/pack", mirror->path);
	autofree char *name = NULL;

	if (!packs)
		return -1;
	if (!are_many(packs))
		return 0;
	git_error_clear();
	if (write_pack(mirror->repository, &name) < 0)
		return fail_git_local(err, folder);
	FAULT("fetch-repacked");
	autoclose int fd = folder_open(AT_FDCWD, folder, err);
	if (fd < 0)
		return -1;
	json_each_member (old, packs)
		if (!text_starts_with(old.key, name))
			unlinkat(fd, old.key, 0);
	return file_sync(fd, folder, err);
}
