/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/tools/ini.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/text.h"

struct line {
	char *section, *key;
	struct text value;
};

static char *trimmed(const char *start, const char *end)
{
	while (start < end && isspace((unsigned char)*start))
		start++;
	while (end > start && isspace((unsigned char)end[-1]))
		end--;
	return memory_copy_bytes(start, end - start);
}

static void finish(struct line *line, ini_visit *visit, void *context)
{
	if (line->key)
		visit(context, line->section ? line->section : "", line->key,
			text_get(&line->value));
	cleanup_free(&line->key);
	line->key = NULL;
	text_reset(&line->value);
}

static void read_pair(struct line *line, const char *start, const char *end)
{
	const char *sign = start + strcspn(start, "=:\n");

	if (sign >= end)
		return;
	line->key = trimmed(start, sign);
	for (char *c = line->key; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	/* "; why" behind a value */
	const char *comment = memmem(sign, end - sign, " ;", 2);
	autofree char *value = trimmed(sign + 1, comment ? comment : end);
	text_add(&line->value, value);
}

void ini_each(const char *text, ini_visit *visit, void *context)
{
	struct line line = {0};

	while (*text) {
		const char *end = text + strcspn(text, "\n");
		autofree char *content = trimmed(text, end);
		if (*content == '#' || *content == ';') {
			/* says nothing, and ends nothing */
		} else if (isspace((unsigned char)*text) && *content && line.key) {
			text_addf(&line.value, " %s", content);
		} else {
			finish(&line, visit, context);
			if (*content == '[' && content[strlen(content) - 1] == ']') {
				cleanup_free(&line.section);
				line.section = trimmed(content + 1, content + strlen(content) - 1);
			} else if (*content) {
				read_pair(&line, text, end);
			}
		}
		text = end + (*end == '\n');
	}
	finish(&line, visit, context);
	cleanup_free(&line.section);
	text_clear(&line.value);
}
