/* SPDX-License-Identifier: Apache-2.0 */
/* GET /: every image, filtered, sorted and a page at a time. */
#include "reconciler/web/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/web/catalog.h"

enum { ROWS_MOST = 100 };

struct selection {
	const char *words, *state, *sort;
	const struct catalog_row **rows;
	size_t count, page, pages;
};

static void selection_clear(struct selection *selection)
{
	free(selection->rows);
}

/* ---- choosing ---- */

static bool has_word(const struct catalog_row *row, const char *word)
{
	const char *const texts[] = {
		row->name, row->repository, row->state, row->commit, row->reason};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i] && strcasestr(texts[i], word))
			return true;
	return row->held && strcasestr("held", word);
}

/* Every word stands somewhere in it. */
static bool has_words(const struct catalog_row *row, const struct strings *words)
{
	strings_each (word, words)
		if (*word && !has_word(row, word))
			return false;
	return true;
}

static bool has_state(const struct catalog_row *row, const char *state)
{
	if (strcmp(state, "held") == 0)
		return row->held;
	return !*state || strcmp(row->state, state) == 0;
}

static int by_name(const void *a, const void *b)
{
	const struct catalog_row *left = *(const struct catalog_row *const *)a;
	const struct catalog_row *right = *(const struct catalog_row *const *)b;

	return strcmp(left->name, right->name);
}

static int by_since(const void *a, const void *b)
{
	const struct catalog_row *left = *(const struct catalog_row *const *)a;
	const struct catalog_row *right = *(const struct catalog_row *const *)b;

	if (left->since_usec != right->since_usec)
		return left->since_usec > right->since_usec ? -1 : 1;
	return by_name(a, b);
}

static int by_next(const void *a, const void *b)
{
	const struct catalog_row *left = *(const struct catalog_row *const *)a;
	const struct catalog_row *right = *(const struct catalog_row *const *)b;

	if (left->next_usec != right->next_usec) /* what is due first, nothing last */
		return (uint64_t)left->next_usec - 1 < (uint64_t)right->next_usec - 1 ? -1 : 1;
	return by_name(a, b);
}

static const struct order {
	const char *key, *title;
	int (*compare)(const void *a, const void *b);
} orders[] = {
	{"name", "Image", by_name}, {"since", "Age", by_since}, {"next", "Next run", by_next}};

enum { ORDERS = sizeof(orders) / sizeof(*orders) };

static void choose(const struct catalog *catalog, struct selection *selection)
{
	CLEANUP(strings_clear) struct strings words = {0};
	const struct order *order = &orders[0];

	strings_split(&words, selection->words, ' ');
	selection->rows = memory_new((catalog->count + 1) * sizeof(*selection->rows));
	for (size_t i = 0; i < catalog->count; i++)
		if (has_state(&catalog->rows[i], selection->state) &&
			has_words(&catalog->rows[i], &words))
			selection->rows[selection->count++] = &catalog->rows[i];
	for (size_t i = 0; i < ORDERS; i++)
		if (strcmp(orders[i].key, selection->sort) == 0)
			order = &orders[i];
	selection->sort = order->key;
	qsort(selection->rows, selection->count, sizeof(*selection->rows), order->compare);
	selection->pages = (selection->count + ROWS_MOST - 1) / ROWS_MOST;
	if (selection->page >= selection->pages)
		selection->page = selection->pages ? selection->pages - 1 : 0;
}

/* ---- showing ---- */

static void add_parameter(struct text *url, const char *name, const char *value)
{
	if (!*value)
		return;
	text_addf(url, "%c%s=", url->size == 1 ? '?' : '&', name);
	view_write_url(value, url);
}

/* The same selection but for what is said. */
static void set_href(struct json *object, const struct selection *selection, const char *state,
	const char *sort, size_t page)
{
	CLEANUP(text_clear) struct text url = {0};
	char number[24];

	text_add(&url, "/");
	add_parameter(&url, "q", selection->words);
	add_parameter(&url, "state", state);
	add_parameter(&url, "sort", strcmp(sort, orders[0].key) == 0 ? "" : sort);
	snprintf(number, sizeof(number), "%zu", page + 1);
	add_parameter(&url, "page", page ? number : "");
	json_set_text(object, "href", text_get(&url));
}

static struct json *describe_row(const struct catalog_row *row)
{
	struct json *item = json_new_object();

	json_set_text(item, "name", row->name);
	view_link(item, "href", "/image/", row->name);
	json_set_text(item, "state", row->state);
	json_set_bool(item, "held", row->held);
	json_set(item, "live", row->live ? json_new_integer(row->live) : NULL);
	view_moment(item, "since", row->since_usec);
	view_moment(item, "next", row->next_usec);
	view_id(item, "commit", row->commit);
	json_set_text(item, "reason", row->reason ? row->reason : "");
	return item;
}

/* As an operator looks for them: what is wrong first, what is well last. */
static const char *const states[] = {"failed", "planned", "building", "validating", "publishing",
	"switching", "held", "cancelled", "live", "superseded", "unneeded", "retiring", "retired"};

/* How many are in each state, those that there are. */
static void add_states(
	const struct catalog *catalog, const struct selection *selection, struct json *data)
{
	struct json *list = json_new_list();

	json_set(data, "states", list);
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		int64_t count = 0;
		for (size_t row = 0; row < catalog->count; row++)
			count += has_state(&catalog->rows[row], states[i]);
		if (!count)
			continue;
		struct json *state = json_new_object();
		bool current = strcmp(selection->state, states[i]) == 0;
		json_add(list, state);
		json_set_text(state, "name", states[i]);
		json_set_integer(state, "count", count);
		json_set_bool(state, "current", current);
		/* the one that is chosen leads back to all */
		set_href(state, selection, current ? "" : states[i], selection->sort, 0);
	}
}

static void add_orders(const struct selection *selection, struct json *data)
{
	for (size_t i = 0; i < ORDERS; i++) {
		struct json *order = json_new_object();
		autofree char *key = memory_printf("by_%s", orders[i].key);
		json_set(data, key, order);
		json_set_text(order, "title", orders[i].title);
		json_set_bool(order, "current", strcmp(orders[i].key, selection->sort) == 0);
		set_href(order, selection, selection->state, orders[i].key, 0);
	}
}

static void add_pages(const struct selection *selection, struct json *data)
{
	size_t page = selection->page;

	json_set(data, "before", NULL);
	json_set(data, "after", NULL);
	if (page > 0) {
		struct json *before = json_new_object();
		json_set(data, "before", before);
		set_href(before, selection, selection->state, selection->sort, page - 1);
	}
	if (page + 1 < selection->pages) {
		struct json *after = json_new_object();
		json_set(data, "after", after);
		set_href(after, selection, selection->state, selection->sort, page + 1);
	}
	json_set_integer(data, "page", (int64_t)page + 1);
	json_set_integer(data, "pages", (int64_t)selection->pages);
}

static struct json *describe(const struct catalog *catalog, const struct selection *selection)
{
	struct json *data = json_new_object(), *rows = json_new_list();
	size_t first = selection->page * ROWS_MOST;

	json_set_integer(data, "total", (int64_t)catalog->count);
	json_set_integer(data, "matches", (int64_t)selection->count);
	json_set_bool(data, "filtered", selection->count != catalog->count);
	json_set_text(data, "words", selection->words);
	json_set_text(data, "state", selection->state);
	json_set_text(data, "sort", selection->sort);
	add_states(catalog, selection, data);
	add_orders(selection, data);
	add_pages(selection, data);
	json_set(data, "rows", rows);
	for (size_t i = first; i < selection->count && i < first + ROWS_MOST; i++)
		json_add(rows, describe_row(selection->rows[i]));
	return data;
}

static const char *query_or_empty(const struct request *request, const char *name)
{
	const char *value = request_query(request, name);

	return value ? value : "";
}

void view_catalog(void *context, struct request *request, struct response *response)
{
	struct web *web = context;
	long page = strtol(query_or_empty(request, "page"), NULL, 10);
	CLEANUP(selection_clear)
	struct selection selection = {.words = query_or_empty(request, "q"),
		.state = query_or_empty(request, "state"),
		.sort = query_or_empty(request, "sort"),
		.page = page > 1 ? (size_t)page - 1 : 0};
	struct error err;
	const struct catalog *catalog = catalogs_get(web->catalogs, &web->kilnd, &err);

	if (!catalog) {
		view_problem(web, request, response, &err);
		return;
	}
	choose(catalog, &selection);
	view_page(web, request, response, 200, "catalog", "Images", describe(catalog, &selection));
	catalogs_release(web->catalogs, catalog);
}
