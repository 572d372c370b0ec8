/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* FNV-1a: no key here is chosen by somebody who gains from a slow plan of his own repository. */
static uint64_t hash_of(const char *key)
{
	uint64_t hash = 1469598103934665603ull;

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * 1099511628211ull;
	return hash;
}

void map_clear(struct map *map)
{
	for (size_t i = 0; i < map->count; i++) {
		free(map->entries[i].key);
		if (map->free_value && map->entries[i].value)
			map->free_value(map->entries[i].value);
	}
	free(map->entries);
	free(map->slots);
	*map = (struct map){.free_value = map->free_value};
}

static void place(struct map *map, uint32_t number)
{
	size_t slot = map->entries[number].hash & (map->slot_count - 1);

	while (map->slots[slot])
		slot = (slot + 1) & (map->slot_count - 1);
	map->slots[slot] = number + 1;
}

static void grow_slots(struct map *map)
{
	map->slot_count = map->slot_count ? map->slot_count * 2 : 16;
	free(map->slots);
	map->slots = memory_new(map->slot_count * sizeof(*map->slots));
	for (size_t i = 0; i < map->count; i++)
		place(map, i);
}

static struct map_entry *find(const struct map *map, const char *key, uint64_t hash)
{
	if (!map->slot_count)
		return NULL;
	for (size_t slot = hash & (map->slot_count - 1); map->slots[slot];
		slot = (slot + 1) & (map->slot_count - 1)) {
		struct map_entry *entry = &map->entries[map->slots[slot] - 1];
		if (entry->hash == hash && strcmp(entry->key, key) == 0)
			return entry;
	}
	return NULL;
}

void map_set(struct map *map, const char *key, void *value)
{
	uint64_t hash = hash_of(key);
	struct map_entry *entry = find(map, key, hash);

	if (entry) {
		if (map->free_value && entry->value && entry->value != value)
			map->free_value(entry->value);
		entry->value = value;
		return;
	}
	MEMORY_GROW(map->entries, map->count, map->room);
	map->entries[map->count] = (struct map_entry){memory_copy_text(key), value, hash};
	map->count++;
	if (map->slot_count && map->count * 2 < map->slot_count)
		place(map, map->count - 1);
	else
		grow_slots(map);
}

void **map_find_place(const struct map *map, const char *key)
{
	struct map_entry *entry = find(map, key, hash_of(key));

	return entry ? &entry->value : NULL;
}

void *map_find(const struct map *map, const char *key)
{
	void **value = map_find_place(map, key);

	return value ? *value : NULL;
}
