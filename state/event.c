/* SPDX-License-Identifier: Apache-2.0 */
#include "state/event.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "state/statement.h"

void events_clear(struct events *events)
{
	for (size_t i = 0; i < events->count; i++) {
		free(events->items[i].kind);
		free(events->items[i].image);
		free(events->items[i].build);
		free(events->items[i].data);
	}
	free(events->items);
	*events = (struct events){0};
}

/* Fields with their lengths: no two events write the same bytes. */
void event_digest(const struct event *event, struct digest *digest)
{
	CLEANUP(text_clear) struct text text = {0};
	const char *const fields[] = {event->kind, event->image, event->build, event->data};

	text_addf(&text, "kiln-event 1\n%lld %lld\n", (long long)event->id, (long long)event->usec);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		text_addf(&text, "%zu:%s\n", strlen(fields[i]), fields[i]);
	text_add_bytes(&text, event->previous.bytes, DIGEST_SIZE);
	digest_of(text.data, text.size, digest);
}

static int find_last(struct store *store, int64_t *id, struct digest *digest, struct error *err)
{
	sqlite3_stmt *row = statement_begin(store, QUERY_EVENT_LAST, NULL, err);
	int found = statement_step(store, row, err);

	*id = 0;
	*digest = (struct digest){{0}};
	if (found > 0) {
		*id = sqlite3_column_int64(row, 0);
		column_digest(row, 1, digest);
		statement_end(row);
	}
	return found < 0 ? -1 : 0;
}

int event_last(struct store *store, struct digest *digest, struct error *err)
{
	int64_t id;

	return find_last(store, &id, digest, err);
}

int event_add(struct store *store, int64_t usec, const char *kind, const char *image,
	const char *build, struct json *data, struct error *err)
{
	CLEANUP(text_clear) struct text text = {0};
	struct event event = {.usec = usec,
		.kind = (char *)(uintptr_t)kind,
		.image = (char *)(uintptr_t)(image ? image : ""),
		.build = (char *)(uintptr_t)(build ? build : "")};

	if (data)
		json_write(data, JSON_LINE, &text);
	else
		text_add(&text, "{}");
	json_free(data);
	event.data = text.data;
	if (find_last(store, &event.id, &event.previous, err) < 0)
		return -1;
	event.id++;
	event_digest(&event, &event.digest);
	return statement_run(store, QUERY_EVENT_ADD,
		WITH(number(":id", event.id), number(":usec", usec), string(":kind", kind),
			string(":image", event.image), string(":build", event.build),
			string(":data", event.data), digest_blob(":previous", &event.previous),
			digest_blob(":digest", &event.digest)),
		err);
}

int event_before_publishing(
	struct store *store, const char *build, struct digest *digest, struct error *err)
{
	sqlite3_stmt *row =
		statement_begin(store, QUERY_EVENT_BEFORE, WITH(string(":build", build)), err);
	int found = statement_step(store, row, err);

	*digest = (struct digest){{0}};
	if (found > 0) {
		column_digest(row, 0, digest);
		statement_end(row);
	}
	return found < 0 ? -1 : 0;
}

int events_list(struct store *store, enum event_filter filter, const char *of,
	struct events *events, struct error *err)
{
	static const enum query queries[] = {[EVENTS_ALL] = QUERY_EVENTS_ALL,
		[EVENTS_OF_BUILD] = QUERY_EVENTS_OF_BUILD,
		[EVENTS_OF_IMAGE] = QUERY_EVENTS_OF_IMAGE};
	sqlite3_stmt *row = statement_begin(store, queries[filter],
		filter == EVENTS_OF_BUILD   ? WITH(string(":build", of))
		: filter == EVENTS_OF_IMAGE ? WITH(string(":image", of))
					    : NULL,
		err);
	int more;

	while ((more = statement_step(store, row, err)) > 0) {
		struct event event = {
			.id = sqlite3_column_int64(row, 0),
			.usec = sqlite3_column_int64(row, 1),
			.kind = column_text(row, 2),
			.image = column_text(row, 3),
			.build = column_text(row, 4),
			.data = column_text(row, 5),
		};
		column_digest(row, 6, &event.previous);
		column_digest(row, 7, &event.digest);
		MEMORY_GROW(events->items, events->count, events->room);
		events->items[events->count++] = event;
	}
	return more;
}
