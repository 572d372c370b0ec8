/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/glob.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

static bool is_there(const struct job *job, const char *path)
{
	autofree char *folder = path_folder(path);
	autoclose int fd = file_open_beneath(job->tree_fd, folder, O_RDONLY | O_DIRECTORY, 0);

	return fd >= 0 && file_exists(fd, path_name(path));
}

/* What of FOLDER has names that PATTERN, of one part, matches. */
static int add_of_folder(const struct job *job, const char *folder, const char *pattern,
	struct strings *found, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};
	autoclose int fd = file_open_beneath(job->tree_fd, folder, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0) /* it is no folder, or not there */
		return 0;
	if (folder_list(fd, ".", &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		int matches = path_match(pattern, name);
		if (matches < 0)
			return fail(err, ERROR_CATALOG, "%s is no pattern", pattern);
		if (matches)
			strings_add_taken(found, path_join(folder, name));
	}
	return 0;
}

/* The parts of the pattern one after the other: what the parts so far match is in FOUND. */
static int add_part(
	const struct job *job, const char *part, struct strings *found, struct error *err)
{
	CLEANUP(strings_clear) struct strings next = {0};
	bool literal = !path_is_pattern(part) && !strchr(part, '\\');

	strings_each (folder, found) {
		if (!literal) {
			if (add_of_folder(job, folder, part, &next, err) < 0)
				return -1;
			continue;
		}
		autofree char *path = path_join(folder, part);
		if (is_there(job, path))
			strings_add(&next, path);
	}
	strings_clear(found);
	*found = next;
	next = (struct strings){0};
	return 0;
}

int glob_tree(
	const struct job *job, const char *pattern, struct strings *matches, struct error *err)
{
	CLEANUP(strings_clear) struct strings parts = {0}, found = {0};

	strings_split(&parts, pattern, '/');
	strings_add(&found, "");
	strings_each (part, &parts)
		if (add_part(job, part, &found, err) < 0)
			return -1;
	strings_add_all(matches, &found);
	return 0;
}
