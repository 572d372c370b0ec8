/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "tests/unit/check.h"

enum { MANY = 20000 };

static int freed;

static void count_and_free(void *value)
{
	freed += value != NULL;
	free(value);
}

static void holds_many(void)
{
	CLEANUP(map_clear) struct map map = {0};
	size_t wrong = 0, at = 0;
	char key[32];

	for (size_t i = 0; i < MANY; i++) {
		sprintf(key, "key %zu", i);
		map_set(&map, key, (void *)(uintptr_t)(i + 1));
	}
	for (size_t i = 0; i < MANY; i++) {
		sprintf(key, "key %zu", i);
		wrong += map_find(&map, key) != (void *)(uintptr_t)(i + 1);
	}
	CHECK_NUMBER(map.count, MANY, "%d keys", MANY);
	CHECK_NUMBER(wrong, 0, "each is found with its value");
	map_each (entry, &map) {
		sprintf(key, "key %zu", at++);
		wrong += strcmp(entry->key, key) != 0;
	}
	CHECK(wrong == 0 && at == MANY, "a walk has the order of insertion");
	CHECK(!map_find(&map, "key") && !map_find_place(&map, "key 20000"), "others are not there");
}

int main(void)
{
	struct map map = {0};
	char key[] = "key";
	int walked = 0;

	CHECK(!map_find(&map, "x") && !map_find_place(&map, "x"), "an empty map has nothing");
	map_each (entry, &map)
		walked++;
	CHECK_NUMBER(walked, 0, "to walk over");
	map.free_value = count_and_free;
	map_set(&map, key, memory_copy_text("one"));
	key[0] = 'K';
	CHECK_TEXT(map_find(&map, "key"), "one", "the key is a copy");
	map_set(&map, "key", memory_copy_text("two"));
	CHECK_TEXT(map_find(&map, "key"), "two", "a second value takes the place of the first");
	CHECK(freed == 1 && map.count == 1, "which is freed");
	map_set(&map, "", NULL);
	CHECK(!map_find(&map, "") && map_find_place(&map, ""), "no value is not no key");
	void **place = map_find_place(&map, "key");
	CHECK(place && strcmp(*place, "two") == 0, "the place of a value");
	map_clear(&map);
	CHECK(freed == 2 && map.count == 0, "cleared, the rest is freed");
	CHECK(!map_find(&map, "key"), "and nothing is there");
	map_clear(&map);
	holds_many();
	return check_done();
}
