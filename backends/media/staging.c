/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/media/staging.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

enum { DEPTH_MOST = 64, EXECUTABLE = 0111 };

/* One path of the template. */
struct naming {
	struct staging *staging;
	const char *option, *written; /* as it stands there */
	enum staging_form form;
};

void staging_clear(struct staging *staging)
{
	for (size_t i = 0; i < staging->count; i++) {
		free(staging->items[i].path);
		free(staging->items[i].source);
	}
	free(staging->items);
	map_clear(&staging->places);
	*staging = (struct staging){.job = staging->job};
}

/* ---- the list ---- */

static char *fold(const struct staging *staging, const char *path)
{
	char *folded = memory_copy_text(path);

	for (char *p = folded; *p && staging->folds_case; p++)
		*p = (char)toupper((unsigned char)*p);
	return folded;
}

static struct staged *find(const struct staging *staging, const char *path)
{
	autofree char *folded = fold(staging, path);
	uintptr_t place = (uintptr_t)map_find(&staging->places, folded);

	return place ? &staging->items[place - 1] : NULL;
}

/* ITEM is taken over. */
static int add(struct naming *naming, struct staged item, struct error *err)
{
	struct staging *staging = naming->staging;
	const struct staged *there = find(staging, item.path);
	int result = 0;

	if (there && item.is_folder != there->is_folder)
		result = fail(err, ERROR_CATALOG, "%s: %s is to be a file and a folder",
			naming->option, item.path);
	else if (there && !item.is_folder && strcmp(item.source, there->source) != 0)
		result = fail(err, ERROR_CATALOG, "%s: %s and %s would both be %s", naming->option,
			there->source, item.source, there->path);
	if (there) {
		free(item.path);
		free(item.source);
		return result;
	}
	MEMORY_GROW(staging->items, staging->count, staging->room);
	staging->items[staging->count++] = item;
	autofree char *folded = fold(staging, item.path);
	map_set(&staging->places, folded, (void *)(uintptr_t)staging->count);
	return 0;
}

static int add_folder(struct naming *naming, const char *path, struct error *err)
{
	for (const char *slash = path; *path; slash++) {
		slash += strcspn(slash, "/");
		if (add(naming,
			    (struct staged){.path = memory_copy_bytes(path, slash - path),
				    .is_folder = true},
			    err) < 0)
			return -1;
		if (!*slash)
			break;
	}
	return 0;
}

static int add_file(struct naming *naming, const char *path, const char *source,
	const struct stat *status, struct error *err)
{
	autofree char *folder = path_folder(path);

	if (add_folder(naming, folder, err) < 0)
		return -1;
	return add(naming,
		(struct staged){.path = memory_copy_text(path),
			.source = memory_copy_text(source),
			.is_executable = status->st_mode & EXECUTABLE,
			.size = status->st_size},
		err);
}

static char *join(const char *folder, const char *name)
{
	return *folder ? memory_printf("%s/%s", folder, name) : memory_copy_text(name);
}

/* ---- looking ---- */

static int open_source(const struct job *job, const char *source, int flags)
{
	if (source[0] == '/')
		return open(source, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return file_open_beneath(job->tree_fd, source, flags, 0);
}

int staging_open(const struct staging *staging, const struct staged *item, struct error *err)
{
	int fd = open_source(staging->job, item->source, O_RDONLY);

	return fd < 0 ? fail_errno(err, ERROR_CATALOG, "%s", item->source) : fd;
}

/* Links are followed as long as they stay in the repository. */
static int look(struct naming *naming, const char *source, struct stat *status, struct error *err)
{
	autoclose int fd = open_source(naming->staging->job, source, O_RDONLY);

	if (fd < 0 && errno == EXDEV)
		return fail(err, ERROR_CATALOG,
			"%s: %s: a link leads out of the build's own folder", naming->option,
			source);
	if (fd < 0 || fstat(fd, status) < 0)
		return fail_errno(err, ERROR_CATALOG, "%s: %s", naming->option, source);
	if (!S_ISREG(status->st_mode) && !S_ISDIR(status->st_mode))
		return fail(err, ERROR_CATALOG, "%s: %s is neither a file nor a folder",
			naming->option, source);
	return 0;
}

/* All that is in the folder SOURCE, to PLACE. */
static int add_below(
	struct naming *naming, const char *source, const char *place, int depth, struct error *err)
{
	struct job *job = naming->staging->job;
	CLEANUP(strings_clear) struct strings names = {0};
	autoclose int folder = open_source(job, source, O_RDONLY | O_DIRECTORY);

	if (folder < 0)
		return fail_errno(err, ERROR_CATALOG, "%s: %s", naming->option, source);
	if (depth > DEPTH_MOST)
		return fail(err, ERROR_CATALOG, "%s: %s is more than %d folders deep",
			naming->option, naming->written, DEPTH_MOST);
	if (folder_list(folder, ".", &names, err) < 0 || job_check(job, err) < 0)
		return -1;
	strings_each (name, &names) {
		autofree char *inner = join(source, name);
		autofree char *to =
			naming->form == STAGING_FLAT ? memory_copy_text(name) : join(place, name);
		struct stat here, status;
		if (fstatat(folder, name, &here, AT_SYMLINK_NOFOLLOW) < 0)
			return fail_errno(err, ERROR_CATALOG, "%s", inner);
		if (look(naming, inner, &status, err) < 0)
			return -1;
		if (S_ISDIR(status.st_mode) && S_ISLNK(here.st_mode))
			return fail(err, ERROR_CATALOG,
				"%s: %s is a link to a folder: only links to files are copied",
				naming->option, inner);
		int result = 0;
		if (!S_ISDIR(status.st_mode))
			result = add_file(naming, to, inner, &status, err);
		else if (naming->form != STAGING_FLAT)
			result = add_folder(naming, to, err);
		if (result == 0 && S_ISDIR(status.st_mode))
			result = add_below(naming, inner, to, depth + 1, err);
		if (result < 0)
			return -1;
	}
	return 0;
}

static int add_source(struct naming *naming, const char *source, struct error *err)
{
	bool contents = naming->form == STAGING_CONTENTS && text_ends_with(naming->written, "/");
	const char *name = path_name(source);
	struct stat status;

	if (look(naming, source, &status, err) < 0)
		return -1;
	if (!S_ISDIR(status.st_mode))
		return add_file(naming, name, source, &status, err);
	if (source[0] == '/')
		return fail(err, ERROR_CATALOG,
			"%s: %s is a folder outside of the repository: only files are taken from "
			"there",
			naming->option, source);
	/* the root of the repository has no name */
	const char *place = contents || naming->form == STAGING_FLAT ? "" : name;
	return add_folder(naming, place, err) < 0 ? -1 : add_below(naming, source, place, 0, err);
}

/* ---- patterns ---- */

/* Every path below FOLDER that REST, a pattern, matches. */
static int expand(struct naming *naming, const char *folder, const char *rest,
	struct strings *matches, struct error *err)
{
	struct job *job = naming->staging->job;
	size_t size = strcspn(rest, "/");
	autofree char *part = memory_copy_bytes(rest, size);
	bool last = !rest[size];
	CLEANUP(strings_clear) struct strings names = {0};
	struct error ignored;

	autoclose int fd = open_source(job, folder, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return 0;
	if (!path_is_pattern(part)) {
		struct stat status;
		if (fstatat(fd, part, &status, AT_SYMLINK_NOFOLLOW) == 0)
			strings_add(&names, part);
	} else if (folder_list(fd, ".", &names, &ignored) < 0) {
		return 0;
	}
	strings_each (name, &names) {
		int fits = path_is_pattern(part) ? path_match(part, name) : 1;
		autofree char *path = join(folder, name);
		if (fits < 0)
			return fail(err, ERROR_CATALOG, "%s: '%s' is no pattern", naming->option,
				naming->written);
		if (fits && last)
			strings_add(matches, path);
		else if (fits && expand(naming, path, rest + size + 1, matches, err) < 0)
			return -1;
	}
	return 0;
}

static int add_written(struct naming *naming, struct error *err)
{
	struct job *job = naming->staging->job;
	autofree char *path = NULL;
	CLEANUP(strings_clear) struct strings matches = {0};

	if (job_resolve(job, naming->written, &path, err) < 0)
		return fail_while(err, "%s", naming->option);
	if (!path_is_pattern(path) || path[0] == '/')
		return add_source(naming, path, err);
	if (expand(naming, "", path, &matches, err) < 0)
		return -1;
	if (!matches.count)
		build_log_say(
			&job->log, "%s: nothing is called %s", naming->option, naming->written);
	strings_each (match, &matches)
		if (add_source(naming, match, err) < 0)
			return -1;
	return 0;
}

int staging_add(struct staging *staging, const char *option, const struct json *paths,
	enum staging_form form, struct error *err)
{
	for (size_t i = 0; i < json_count(paths); i++) {
		struct naming naming = {staging, option, json_text(json_item(paths, i), ""), form};
		if (add_written(&naming, err) < 0)
			return -1;
	}
	return 0;
}

/* A folder's path is the beginning of what is in it, so it comes first in any such order. */
static int compare(const void *a, const void *b)
{
	return strcmp(((const struct staged *)a)->path, ((const struct staged *)b)->path);
}

void staging_sort(struct staging *staging)
{
	if (staging->count > 1)
		qsort(staging->items, staging->count, sizeof(*staging->items), compare);
	map_clear(&staging->places);
}
