/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/picture.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/memory.h"
#include "reconciler/web/view.h"

enum {
	BOX_WIDTH = 168,
	BOX_HEIGHT = 40,
	GAP_X = 56,
	GAP_Y = 12,
	EDGE = 2,        /* room for strokes at the border */
	SIDE_MOST = 6,   /* columns to either side */
	COLUMN_MOST = 8, /* boxes in a column; what is more is counted */
	LABEL_MOST = 20, /* characters that fit into a box */
};

struct box {
	char *name;
	int64_t version; /* 0: not known */
	int column, row;
};

struct picture {
	struct box *boxes;
	size_t count, room;
	struct map places; /* name -> index + 1 */
	int filled[2 * SIDE_MOST + 1], beyond[2 * SIDE_MOST + 1];
	int first, last; /* columns that are used */
};

static void picture_clear(struct picture *picture)
{
	for (size_t i = 0; i < picture->count; i++)
		free(picture->boxes[i].name);
	free(picture->boxes);
	map_clear(&picture->places);
}

static struct box *find_box(const struct picture *picture, const char *name)
{
	size_t place = (size_t)(uintptr_t)map_find(&picture->places, name);

	return place ? &picture->boxes[place - 1] : NULL;
}

static void add_box(struct picture *picture, const char *name, int64_t version, int column)
{
	struct box *known = find_box(picture, name);

	if (known || column < 0 || column > 2 * SIDE_MOST) {
		if (known && !known->version)
			known->version = version;
		return;
	}
	if (column < picture->first)
		picture->first = column;
	if (column > picture->last)
		picture->last = column;
	if (picture->filled[column] == COLUMN_MOST) {
		picture->beyond[column]++;
		return;
	}
	MEMORY_GROW(picture->boxes, picture->count, picture->room);
	picture->boxes[picture->count++] = (struct box){.name = memory_copy_text(name),
		.version = version,
		.column = column,
		.row = picture->filled[column]++};
	map_set(&picture->places, name, (void *)(uintptr_t)picture->count);
}

static void place_boxes(struct picture *picture, const struct json *relatives)
{
	const struct json *above = json_get(relatives, "above"),
			  *below = json_get(relatives, "below");

	picture->first = picture->last = SIDE_MOST;
	add_box(picture, json_get_text(relatives, "image", ""), 0, SIDE_MOST);
	for (size_t i = 0; i < json_count(above); i++) {
		const struct json *edge = json_item(above, i);
		add_box(picture, json_get_text(edge, "base", ""),
			json_get_integer(edge, "base_version", 0),
			SIDE_MOST - (int)json_get_integer(edge, "distance", 1));
	}
	for (size_t i = 0; i < json_count(below); i++) {
		const struct json *edge = json_item(below, i);
		add_box(picture, json_get_text(edge, "image", ""),
			json_get_integer(edge, "version", 0),
			SIDE_MOST + (int)json_get_integer(edge, "distance", 1));
	}
}

/* ---- where things are, in units of the drawing ---- */

static int rows_of(const struct picture *picture, int column)
{
	return picture->filled[column] + (picture->beyond[column] ? 1 : 0);
}

static int rows_most(const struct picture *picture)
{
	int most = 1;

	for (int column = picture->first; column <= picture->last; column++)
		if (rows_of(picture, column) > most)
			most = rows_of(picture, column);
	return most;
}

static int left_of(const struct picture *picture, int column)
{
	return EDGE + (column - picture->first) * (BOX_WIDTH + GAP_X);
}

/* Columns stand in the middle of the height. */
static int top_of(const struct picture *picture, int column, int row)
{
	int free_rows = rows_most(picture) - rows_of(picture, column);

	return EDGE + row * (BOX_HEIGHT + GAP_Y) + free_rows * (BOX_HEIGHT + GAP_Y) / 2;
}

/* ---- as data for the template ---- */

/* A name that is too long for its box keeps its beginning and its end. */
static char *make_label(const char *name)
{
	size_t size = strlen(name);

	if (size <= LABEL_MOST)
		return memory_copy_text(name);
	return memory_printf("%.*s…%s", LABEL_MOST / 2 - 1, name, name + size - LABEL_MOST / 2);
}

static struct json *describe_place(const struct picture *picture, int column, int row)
{
	struct json *item = json_new_object();
	int left = left_of(picture, column), top = top_of(picture, column, row);

	json_set_integer(item, "x", left);
	json_set_integer(item, "y", top);
	json_set_integer(item, "width", BOX_WIDTH);
	json_set_integer(item, "height", BOX_HEIGHT);
	json_set_integer(item, "text_x", left + 10);
	json_set_integer(item, "name_y", top + 17);
	json_set_integer(item, "version_y", top + 32);
	return item;
}

static void describe_box(
	const struct picture *picture, const struct box *box, const char *prefix, struct json *list)
{
	struct json *item = describe_place(picture, box->column, box->row);
	autofree char *link = memory_printf("%s%s", prefix, box->name);
	autofree char *label = make_label(box->name);

	json_set_text(item, "name", box->name);
	json_set_text(item, "label", label);
	json_set_integer(item, "version", box->version);
	json_set_bool(item, "self", box == &picture->boxes[0]);
	view_link(item, "href", "/image/", link);
	json_add(list, item);
}

static void describe_line(const struct picture *picture, const struct box *from,
	const struct box *to, struct json *list)
{
	int x1 = left_of(picture, from->column) + BOX_WIDTH, x2 = left_of(picture, to->column);
	int y1 = top_of(picture, from->column, from->row) + BOX_HEIGHT / 2;
	int y2 = top_of(picture, to->column, to->row) + BOX_HEIGHT / 2;
	int middle = (x1 + x2) / 2;
	struct json *item = json_new_object();

	autofree char *path =
		memory_printf("M%d %d C%d %d %d %d %d %d", x1, y1, middle, y1, middle, y2, x2, y2);
	json_set_text(item, "path", path);
	json_add(list, item);
}

static void describe_lines(
	const struct picture *picture, const struct json *edges, struct json *list)
{
	for (size_t i = 0; i < json_count(edges); i++) {
		const struct json *edge = json_item(edges, i);
		const struct box *from = find_box(picture, json_get_text(edge, "base", ""));
		const struct box *to = find_box(picture, json_get_text(edge, "image", ""));
		if (from && to)
			describe_line(picture, from, to, list);
	}
}

static void describe_beyond(const struct picture *picture, struct json *list)
{
	for (int column = picture->first; column <= picture->last; column++) {
		if (!picture->beyond[column])
			continue;
		struct json *item = describe_place(picture, column, picture->filled[column]);
		json_set_integer(item, "count", picture->beyond[column]);
		json_add(list, item);
	}
}

struct json *picture_make(const struct json *relatives, const char *prefix)
{
	CLEANUP(picture_clear) struct picture picture = {0};
	struct json *boxes = json_new_list(), *lines = json_new_list(), *beyond = json_new_list();
	autojson struct json *data = json_new_object();

	json_set(data, "boxes", boxes);
	json_set(data, "lines", lines);
	json_set(data, "beyond", beyond);
	place_boxes(&picture, relatives);
	if (picture.count < 2)
		return NULL;
	json_set_integer(data, "width", left_of(&picture, picture.last) + BOX_WIDTH + EDGE);
	json_set_integer(
		data, "height", 2 * EDGE + rows_most(&picture) * (BOX_HEIGHT + GAP_Y) - GAP_Y);
	for (size_t i = 0; i < picture.count; i++)
		describe_box(&picture, &picture.boxes[i], prefix, boxes);
	describe_lines(&picture, json_get(relatives, "above"), lines);
	describe_lines(&picture, json_get(relatives, "below"), lines);
	describe_beyond(&picture, beyond);
	return TAKE(data);
}
