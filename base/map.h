/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A hash table from text to a pointer. Walks in the order of insertion; keys are copied, values are not. */

#include <stddef.h>
#include <stdint.h>

struct map_entry {
	char *key;
	void *value;
	uint64_t hash;
};

struct map {
	struct map_entry *entries;
	uint32_t *slots; /* entry number + 1, 0 = free */
	size_t count;
	size_t room;
	size_t slot_count;
	void (*free_value)(void *value); /* may be NULL; set before the first value goes in */
};

void map_clear(struct map *map);
/* Adds or replaces (the old value is freed). VALUE may be NULL: then map_find_place tells it from an absent one. */
void map_set(struct map *map, const char *key, void *value);
/* The value, or NULL. */
void *map_find(const struct map *map, const char *key);
/* The place of the value, or NULL. Valid until the next map_set. */
void **map_find_place(const struct map *map, const char *key);

#define map_each(entry, map)                           \
	for (struct map_entry *entry = (map)->entries; \
		entry && entry < (map)->entries + (map)->count; entry++)
