/* SPDX-License-Identifier: Apache-2.0 */
/* Whom an image is built on and who is built on it, as the live versions are: those above it, and those below. */
#include "reconciler/verbs/verbs.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/memory.h"
#include "reconciler/describe.h"
#include "reconciler/lookup.h"
#include "state/figures.h"

enum { EDGES_MOST = 500 };

struct edge {
	char *image, *base;
	int64_t version, base_version;
};

struct family {
	struct edge *edges;
	size_t count, room;
};

static void family_clear(struct family *family)
{
	for (size_t i = 0; i < family->count; i++) {
		free(family->edges[i].image);
		free(family->edges[i].base);
	}
	free(family->edges);
}

static void add_edges(void *context, const struct live_version *live)
{
	autojson struct json *bases = describe_column(live->bases);
	struct family *family = context;

	for (size_t i = 0; i < json_count(bases); i++) {
		const struct json *base = json_item(bases, i);
		MEMORY_GROW(family->edges, family->count, family->room);
		family->edges[family->count++] =
			(struct edge){.image = memory_copy_text(live->image),
				.base = memory_copy_text(json_get_text(base, "image", "")),
				.version = live->version,
				.base_version = json_get_integer(base, "version", 0)};
	}
}

static void describe_edge(struct json *list, const struct edge *edge, int64_t distance)
{
	struct json *item = json_new_object();

	json_set_text(item, "image", edge->image);
	json_set_integer(item, "version", edge->version);
	json_set_text(item, "base", edge->base);
	json_set_integer(item, "base_version", edge->base_version);
	json_set_integer(item, "distance", distance);
	json_add(list, item);
}

/* From NAME outwards, one step of the family at a time; UP: towards what it is built on. */
static void walk(const struct family *family, const char *name, bool up, struct json *list)
{
	CLEANUP(map_clear) struct map reached = {0};
	CLEANUP(strings_clear) struct strings front = {0};

	strings_add(&front, name);
	map_set(&reached, name, &reached);
	for (int64_t distance = 1; front.count && json_count(list) < EDGES_MOST; distance++) {
		CLEANUP(map_clear) struct map here = {0};
		strings_each (image, &front)
			map_set(&here, image, &here);
		strings_clear(&front);
		for (size_t i = 0; i < family->count && json_count(list) < EDGES_MOST; i++) {
			const struct edge *edge = &family->edges[i];
			const char *next = up ? edge->base : edge->image;
			if (!map_find(&here, up ? edge->image : edge->base))
				continue;
			describe_edge(list, edge, distance);
			if (!map_find(&reached, next)) {
				map_set(&reached, next, &reached);
				strings_add(&front, next);
			}
		}
	}
}

int verb_relatives(struct head *head, struct client *client, struct error *err)
{
	const char *text = json_get_text(client_arguments(client), "image", "");
	autojson struct json *answer = json_new_object();
	CLEANUP(image_record_clear) struct image_record image = {0};
	CLEANUP(family_clear) struct family family = {0};
	struct json *above = json_new_list(), *below = json_new_list();

	json_set(answer, "above", above);
	json_set(answer, "below", below);
	if (lookup_image(head, text, &image, err) < 0 ||
		live_versions_each(head->store, image.repository_name, add_edges, &family, err) < 0)
		return -1;
	json_set_text(answer, "image", image.name);
	json_set_text(answer, "repository", image.repository_name);
	walk(&family, image.name, true, above);
	walk(&family, image.name, false, below);
	client_item(client, TAKE(answer));
	client_end(client, 0);
	return 0;
}
