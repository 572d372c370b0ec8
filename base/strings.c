/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

void strings_clear(struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct strings){0};
}

void strings_add_taken(struct strings *list, char *item)
{
	if (list->count + 2 > list->room) {
		list->room = list->room ? list->room * 2 : 8;
		list->items = memory_resize(list->items, list->room, sizeof(*list->items));
	}
	list->items[list->count++] = item;
	list->items[list->count] = NULL;
}

void strings_add(struct strings *list, const char *item)
{
	strings_add_taken(list, memory_copy_text(item));
}

void strings_addf(struct strings *list, const char *format, ...)
{
	struct text text = {0};
	va_list args;

	va_start(args, format);
	text_addv(&text, format, args);
	va_end(args);
	strings_add_taken(list, text_take(&text));
}

bool strings_has(const struct strings *list, const char *item)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], item) == 0)
			return true;
	return false;
}

bool strings_add_once(struct strings *list, const char *item)
{
	if (strings_has(list, item))
		return false;
	strings_add(list, item);
	return true;
}

void strings_add_all(struct strings *list, const struct strings *others)
{
	for (size_t i = 0; i < others->count; i++)
		strings_add(list, others->items[i]);
}

void strings_split(struct strings *list, const char *text, char separator)
{
	for (;;) {
		const char *end = strchrnul(text, separator);
		strings_add_taken(list, memory_copy_bytes(text, end - text));
		if (!*end)
			return;
		text = end + 1;
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strings_sort(struct strings *list)
{
	if (list->count > 1)
		qsort(list->items, list->count, sizeof(*list->items), compare);
}

void strings_unique(struct strings *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (kept && strcmp(list->items[kept - 1], list->items[i]) == 0)
			free(list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
	if (list->items)
		list->items[kept] = NULL;
}

char *strings_join(const struct strings *list, const char *separator)
{
	struct text text = {0};

	for (size_t i = 0; i < list->count; i++) {
		if (i)
			text_add(&text, separator);
		text_add(&text, list->items[i]);
	}
	return text_take(&text);
}
