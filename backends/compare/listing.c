/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/compare/listing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"

void listing_clear(struct listing *listing)
{
	map_clear(&listing->lines);
	*listing = (struct listing){0};
}

/* ---- one line ---- */

static void describe_kind(const struct listing_entry *entry, struct text *line)
{
	static const struct {
		mode_t type;
		const char *name;
	} kinds[] = {
		{S_IFREG, "file"},
		{S_IFDIR, "folder"},
		{S_IFLNK, "link"},
		{S_IFCHR, "character device"},
		{S_IFBLK, "block device"},
		{S_IFIFO, "fifo"},
		{S_IFSOCK, "socket"},
	};
	const char *name = "something";

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].type == (entry->mode & S_IFMT))
			name = kinds[i].name;
	text_add(line, name);
	if (!S_ISLNK(entry->mode))
		text_addf(line, " %04o", (unsigned)entry->mode & 07777);
	text_addf(line, " %lld:%lld", (long long)entry->owner, (long long)entry->group);
}

char *listing_describe(const struct listing_entry *entry)
{
	struct text line = {0};
	char digest[DIGEST_TEXT_SIZE];

	describe_kind(entry, &line);
	if (S_ISREG(entry->mode))
		text_addf(&line, " %lld bytes", (long long)entry->size);
	if (S_ISREG(entry->mode) && entry->digest)
		text_addf(&line, " %s", digest_text(entry->digest, digest));
	if (S_ISLNK(entry->mode))
		text_addf(&line, " to %s", entry->target ? entry->target : "");
	if (S_ISCHR(entry->mode) || S_ISBLK(entry->mode))
		text_addf(&line, " %u:%u", entry->major, entry->minor);
	return text_take(&line);
}

/* ---- all of them ---- */

void listing_add(struct listing *listing, const char *path, char *line)
{
	listing->lines.free_value = free;
	map_set(&listing->lines, path, line);
}

const char *listing_find(const struct listing *listing, const char *path)
{
	return map_find(&listing->lines, path);
}

void listing_remove(struct listing *listing, const char *path, bool itself)
{
	map_each (entry, &listing->lines)
		if (entry->value && path_is_within(entry->key, path) &&
			(itself || strcmp(entry->key, path) != 0))
			map_set(&listing->lines, entry->key, NULL);
}

void listing_add_all(struct listing *listing, const char *prefix, const struct listing *other)
{
	map_each (entry, &other->lines) {
		autofree char *path = memory_printf("%s%s", prefix, entry->key);
		if (entry->value)
			listing_add(listing, path, memory_copy_text(entry->value));
	}
}

/* ---- comparing ---- */

static void collect_paths(const struct listing *listing, struct strings *paths)
{
	map_each (entry, &listing->lines)
		if (entry->value)
			strings_add(paths, entry->key);
}

void listing_compare(const struct listing *expected, const struct listing *found, struct json *list)
{
	CLEANUP(strings_clear) struct strings paths = {0};

	collect_paths(expected, &paths);
	collect_paths(found, &paths);
	strings_sort(&paths);
	strings_unique(&paths);
	strings_each (path, &paths) {
		const char *was = listing_find(expected, path), *is = listing_find(found, path);
		if (was && is && strcmp(was, is) == 0)
			continue;
		struct json *difference = json_new_object();
		json_set_text(difference, "path", path);
		json_set_text(difference, "expected", was);
		json_set_text(difference, "found", is);
		json_add(list, difference);
	}
}
