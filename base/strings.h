/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A growing list of strings that it owns. `items[count]` is always NULL once something was added, so the
 * array can be handed to execve. */

#include <stdbool.h>
#include <stddef.h>

struct strings {
	char **items;
	size_t count;
	size_t room;
};

void strings_clear(struct strings *list);
void strings_add(struct strings *list, const char *item);
/* Takes over ITEM. */
void strings_add_taken(struct strings *list, char *item);
void strings_addf(struct strings *list, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Adds unless an equal one is there; true if it was added. Linear: for short lists. */
bool strings_add_once(struct strings *list, const char *item);
bool strings_has(const struct strings *list, const char *item);
void strings_add_all(struct strings *list, const struct strings *others);
/* The pieces of TEXT between SEPARATORs; empty pieces count, "" gives one empty piece. */
void strings_split(struct strings *list, const char *text, char separator);
/* Bytewise order. */
void strings_sort(struct strings *list);
/* Drops equal neighbours: sort first. */
void strings_unique(struct strings *list);
/* The caller frees. */
char *strings_join(const struct strings *list, const char *separator);

#define strings_each(item, list)                                              \
	for (char **each_##item = (list)->items, *item = NULL;                \
		each_##item && each_##item < (list)->items + (list)->count && \
		((item = *each_##item), true);                                \
		each_##item++)
