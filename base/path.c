/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/strings.h"
#include "base/text.h"

char *path_clean(const char *path)
{
	CLEANUP(strings_clear) struct strings pieces = {0}, kept = {0};
	bool absolute = path[0] == '/';

	strings_split(&pieces, path, '/');
	strings_each (piece, &pieces) {
		if (!*piece || strcmp(piece, ".") == 0)
			continue;
		if (strcmp(piece, "..") != 0) {
			strings_add(&kept, piece);
		} else if (kept.count && strcmp(kept.items[kept.count - 1], "..") != 0) {
			free(kept.items[--kept.count]);
			kept.items[kept.count] = NULL;
		} else if (!absolute) {
			strings_add(&kept, piece);
		}
	}
	autofree char *joined = strings_join(&kept, "/");
	if (absolute)
		return memory_printf("/%s", joined);
	return *joined ? TAKE(joined) : memory_copy_text(".");
}

char *path_join(const char *folder, const char *path)
{
	if (path[0] == '/' || !*folder)
		return path_clean(path);
	autofree char *joined = memory_printf("%s/%s", folder, path);
	return path_clean(joined);
}

char *path_beneath(const char *folder, const char *path)
{
	if (path[0] == '/')
		return NULL;
	char *joined = path_join(folder, path);
	if (strcmp(joined, "..") == 0 || text_starts_with(joined, "../")) {
		free(joined);
		return NULL;
	}
	if (strcmp(joined, ".") == 0)
		joined[0] = '\0';
	return joined;
}

char *path_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? memory_copy_bytes(path, slash - path) : memory_copy_text("");
}

const char *path_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool path_is_within(const char *path, const char *folder)
{
	size_t size = strlen(folder);

	if (!size)
		return true;
	return strncmp(path, folder, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

bool path_is_pattern(const char *path)
{
	return strpbrk(path, "*?[") != NULL;
}

/* The character at TEXT (not its end); *NEXT is behind it. What is no UTF-8 counts byte by byte, as in Go. */
static unsigned read_rune(const char *text, const char **next)
{
	size_t length;
	unsigned rune = text_read_rune(text, strnlen(text, 4), &length);

	*next = text + length;
	return rune;
}

/* One character of a class, behind a possible backslash; NULL if the class ends too early. */
static const char *class_rune(const char *pattern, unsigned *rune)
{
	if (*pattern == '\\')
		pattern++;
	else if (*pattern == '-' || *pattern == ']')
		return NULL;
	if (!*pattern)
		return NULL;
	*rune = read_rune(pattern, &pattern);
	return pattern;
}

/* Behind the '['. *END is behind the ']'. */
static int match_class(const char *pattern, unsigned c, const char **end)
{
	bool negated = *pattern == '^', hit = false;

	if (negated)
		pattern++;
	for (bool first = true; *pattern != ']' || first; first = false) {
		unsigned low, high;
		if (!(pattern = class_rune(pattern, &low)))
			return -1;
		high = low;
		if (*pattern == '-' && !(pattern = class_rune(pattern + 1, &high)))
			return -1;
		if (!*pattern)
			return -1;
		hit |= low <= c && c <= high;
	}
	*end = pattern + 1;
	return hit != negated;
}

/* The pattern alone: 0 if it is well formed. */
static int check_pattern(const char *pattern)
{
	while (*pattern) {
		if (*pattern == '[') {
			if (match_class(pattern + 1, 'a', &pattern) < 0)
				return -1;
		} else if (*pattern == '\\') {
			if (!pattern[1])
				return -1;
			pattern += 2;
		} else {
			pattern++;
		}
	}
	return 0;
}

int path_match(const char *pattern, const char *name)
{
	const char *star = NULL, *resume = NULL, *next = NULL, *behind = NULL;

	if (check_pattern(pattern) < 0)
		return -1;
	for (;;) {
		bool fits = false;
		if (*pattern == '*') {
			star = ++pattern;
			resume = name;
			continue;
		}
		if (!*pattern && !*name)
			return 1;
		if (*name && *pattern) {
			unsigned rune = read_rune(name, &behind);
			next = pattern + 1;
			if (*pattern == '?') {
				fits = rune != '/';
			} else if (*pattern == '[') {
				fits = match_class(pattern + 1, rune, &next) == 1 && rune != '/';
			} else {
				if (*pattern == '\\')
					pattern++, next++;
				fits = *pattern == *name;
				behind = name + 1;
			}
		}
		if (fits) {
			pattern = next;
			name = behind;
		} else if (star && *resume && *resume != '/') {
			pattern = star;
			name = ++resume;
		} else {
			return 0;
		}
	}
}
