/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/template/checksum_file.h"

#include <string.h>

#include "backends/plugin_format.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/strings.h"
#include "base/text.h"

/* The words of a line; white space of any kind parts them. */
static void split_words(const char *line, size_t size, struct strings *words)
{
	static const char blank[] = " \t\r\v\f\n";
	autofree char *copy = memory_copy_bytes(line, size);
	char *state = NULL;

	for (char *word = strtok_r(copy, blank, &state); word; word = strtok_r(NULL, blank, &state))
		strings_add(words, word);
}

/* The file that a line is about: "" if it is about any; NULL if the line is no checksum. The caller frees. */
static char *line_file(const struct strings *words)
{
	autofree char *typed = NULL;
	struct error ignored;

	if (words->count == 4) { /* SHA256 (name) = hex */
		const char *name = words->items[1];
		size_t size = strlen(name);
		typed = memory_printf("%s:%s", words->items[0], words->items[3]);
		if (size <= 2 || name[0] != '(' || name[size - 1] != ')' ||
			plugin_format_check("checksum", typed, &ignored) < 0)
			return NULL;
		return memory_copy_bytes(name + 1, size - 2);
	}
	if (!words->count || strchr(words->items[0], ':') || strcmp(words->items[0], "none") == 0 ||
		plugin_format_check("checksum", words->items[0], &ignored) < 0)
		return NULL;
	return memory_copy_text(words->count == 2 ? words->items[1] : "");
}

static bool is_about(const char *file, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	if (!*file || strcmp(file, name) == 0)
		return true;
	if ((*file == '*' || *file == '?') && strcmp(file + 1, name) == 0)
		return true;
	return strstr(path, file + strspn(file, "./")) != NULL;
}

int checksum_file_has(const char *bytes, size_t size, const char *url, struct error *err)
{
	const char *end = bytes + size, *scheme = strstr(url, "://");
	autofree char *path = memory_copy_bytes(url, strcspn(url, "?#"));

	/* of a URL only the path counts, not the host before it */
	const char *slash = scheme ? strchr(path + (scheme - url) + 3, '/') : path;
	/* a last line without its end is not read */
	for (const char *next; (next = memchr(bytes, '\n', end - bytes)); bytes = next + 1) {
		CLEANUP(strings_clear) struct strings words = {0};
		split_words(bytes, next - bytes, &words);
		autofree char *file = line_file(&words);
		if (file && is_about(file, slash ? slash : ""))
			return 0;
	}
	return fail(err, ERROR_CATALOG, "has no checksum of %s", url);
}
