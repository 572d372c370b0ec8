/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/index.h"
#include "reconciler/schedule.h"

void indexed_image_clear(struct indexed_image *image)
{
	free(image->name);
	free(image->definition);
	free(image->template_path);
	free(image->build_name);
	reasons_clear(&image->problems);
	strings_clear(&image->needs);
	strings_clear(&image->parents);
	free(image->policy);
	schedule_free(image->schedule);
	*image = (struct indexed_image){0};
}

void indexed_images_clear(struct indexed_images *images)
{
	for (size_t i = 0; i < images->count; i++)
		indexed_image_clear(&images->items[i]);
	free(images->items);
	*images = (struct indexed_images){0};
}

static char *copy_member(const struct json *object, const char *key)
{
	const char *text = json_get_text(object, key, NULL);

	return text ? memory_copy_text(text) : NULL;
}

struct json *indexed_image_policy(const struct indexed_image *image)
{
	struct json *policy = NULL;
	struct error ignored;

	if (image->policy)
		json_parse_bytes(image->policy, strlen(image->policy), &policy, &ignored);
	return policy;
}

static void read_policy(const struct json *policy, struct indexed_image *image)
{
	struct text text = {0};
	struct error ignored; /* a schedule that is none blocks the image */
	const char *key;

	json_write(policy, JSON_LINE, &text);
	image->policy = text_take(&text);
	schedule_read(json_get(policy, "rebuild"), &image->schedule, &key, &ignored);
}

static int read_row(const struct plan_row *row, struct indexed_image *image, struct error *err)
{
	autojson struct json *facts = NULL;

	if (json_parse_bytes(row->facts, strlen(row->facts), &facts, err) < 0)
		return -1;
	*image = (struct indexed_image){
		.name = memory_copy_text(row->name),
		.definition = memory_copy_text(row->definition),
		.template_path = copy_member(facts, "template"),
		.build_name = copy_member(facts, "build"),
		.has_closure = row->has_closure,
		.complete = row->has_closure && json_get_boolean(facts, "complete", false),
		.closure = row->closure,
	};
	read_policy(json_get(facts, "policy"), image);
	digest_parse(json_get_text(facts, "validate", ""), &image->validate);
	reasons_from_json(json_get(facts, "problems"), &image->problems);
	json_get_texts(facts, "needs", &image->needs);
	const struct json *bases = json_get(facts, "bases");
	for (size_t i = 0; i < json_count(bases); i++)
		strings_add_once(&image->parents, json_get_text(json_item(bases, i), "image", ""));
	return 0;
}

/* Two definitions that give one name: both are blocked, and each is told of the other. */
static void add_conflict(struct indexed_image *image, const char *other)
{
	reasons_add(&image->problems, REASON_CONFLICT, image->template_path, NULL, NULL,
		"%s and %s both give an image called %s", image->definition, other, image->name);
}

static int compare_images(const void *a, const void *b)
{
	const struct indexed_image *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->definition, y->definition);
}

static void merge_conflicts(struct indexed_images *images)
{
	size_t kept = 0;

	if (images->count > 1)
		qsort(images->items, images->count, sizeof(*images->items), compare_images);
	for (size_t i = 0; i < images->count; i++) {
		struct indexed_image *image = &images->items[i];
		if (kept && strcmp(images->items[kept - 1].name, image->name) == 0) {
			add_conflict(&images->items[kept - 1], image->definition);
			indexed_image_clear(image);
		} else {
			if (kept != i) {
				images->items[kept] = *image;
				*image = (struct indexed_image){0};
			}
			kept++;
		}
	}
	images->count = kept;
}

static int read_rows(const struct plan_rows *rows, struct indexed_images *images, struct error *err)
{
	for (size_t i = 0; i < rows->count; i++) {
		struct indexed_image image;
		if (read_row(&rows->items[i], &image, err) < 0)
			return -1;
		MEMORY_GROW(images->items, images->count, images->room);
		images->items[images->count++] = image;
	}
	return 0;
}

int index_list(struct index *index, struct indexed_images *images, struct error *err)
{
	CLEANUP(plan_rows_clear) struct plan_rows rows = {0};

	if (plan_rows_all(index->store, index->tree.id, &rows, err) < 0 ||
		read_rows(&rows, images, err) < 0)
		return -1;
	merge_conflicts(images);
	return 0;
}

int index_find(
	struct index *index, const char *name, struct indexed_image *image, struct error *err)
{
	CLEANUP(plan_rows_clear) struct plan_rows rows = {0};
	CLEANUP(indexed_images_clear) struct indexed_images images = {0};

	if (plan_rows_called(index->store, index->tree.id, name, &rows, err) < 0 ||
		read_rows(&rows, &images, err) < 0)
		return -1;
	merge_conflicts(&images);
	if (!images.count)
		return 0;
	*image = images.items[0];
	images.items[0] = (struct indexed_image){0};
	return 1;
}

int index_list_of(struct index *index, const struct strings *keys, struct indexed_images *images,
	struct error *err)
{
	strings_each (key, keys) {
		CLEANUP(plan_rows_clear) struct plan_rows rows = {0};
		if (plan_rows_of_definition(index->store, index->tree.id, key, &rows, err) < 0 ||
			read_rows(&rows, images, err) < 0)
			return -1;
	}
	return 0;
}
