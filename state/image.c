/* SPDX-License-Identifier: Apache-2.0 */
#include "state/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "state/statement.h"

/* ---- repositories ---- */

void repository_record_clear(struct repository_record *record)
{
	free(record->name);
	free(record->place);
	free(record->ref);
	free(record->last_commit);
	*record = (struct repository_record){0};
}

void repository_records_clear(struct repository_records *records)
{
	for (size_t i = 0; i < records->count; i++)
		repository_record_clear(&records->items[i]);
	free(records->items);
	*records = (struct repository_records){0};
}

static struct repository_record read_repository(sqlite3_stmt *row)
{
	return (struct repository_record){
		.id = sqlite3_column_int64(row, 0),
		.name = column_text(row, 1),
		.place = column_text(row, 2),
		.ref = column_text(row, 3),
		.prefixed = sqlite3_column_int(row, 4),
		.last_commit = column_text_or_null(row, 5),
	};
}

static int find_repository(struct store *store, enum query query, struct parameter with,
	struct repository_record *record, struct error *err)
{
	sqlite3_stmt *row = statement_begin(store, query, WITH(with), err);
	int found = statement_step(store, row, err);

	if (found > 0) {
		*record = read_repository(row);
		statement_end(row);
	}
	return found;
}

int repository_find_by_place(
	struct store *store, const char *place, struct repository_record *record, struct error *err)
{
	return find_repository(
		store, QUERY_REPOSITORY_BY_PLACE, string(":place", place), record, err);
}

int repository_find_by_name(
	struct store *store, const char *name, struct repository_record *record, struct error *err)
{
	return find_repository(store, QUERY_REPOSITORY_BY_NAME, string(":name", name), record, err);
}

int repository_find(
	struct store *store, int64_t id, struct repository_record *record, struct error *err)
{
	return find_repository(store, QUERY_REPOSITORY_BY_ID, number(":id", id), record, err);
}

int repository_add(struct store *store, const char *name, const char *place, const char *ref,
	bool prefixed, int64_t *id, struct error *err)
{
	if (statement_run(store, QUERY_REPOSITORY_ADD,
		    WITH(string(":name", name), string(":place", place), string(":ref", ref),
			    number(":prefixed", prefixed)),
		    err) < 0)
		return -1;
	*id = sqlite3_last_insert_rowid(store_database(store));
	return 0;
}

int repository_set_commit(struct store *store, int64_t id, const char *commit, struct error *err)
{
	return statement_run(store, QUERY_REPOSITORY_SET_COMMIT,
		WITH(number(":id", id), string(":commit", commit)), err);
}

int repositories_list(struct store *store, struct repository_records *records, struct error *err)
{
	sqlite3_stmt *row = statement_begin(store, QUERY_REPOSITORIES, NULL, err);
	int more;

	while ((more = statement_step(store, row, err)) > 0) {
		MEMORY_GROW(records->items, records->count, records->room);
		records->items[records->count++] = read_repository(row);
	}
	return more;
}

/* ---- images ---- */

void image_record_clear(struct image_record *record)
{
	free(record->repository_name);
	free(record->name);
	*record = (struct image_record){0};
}

void image_records_clear(struct image_records *records)
{
	for (size_t i = 0; i < records->count; i++)
		image_record_clear(&records->items[i]);
	free(records->items);
	*records = (struct image_records){0};
}

static struct image_record read_image(sqlite3_stmt *row)
{
	return (struct image_record){
		.id = sqlite3_column_int64(row, 0),
		.repository = sqlite3_column_int64(row, 1),
		.repository_name = column_text(row, 2),
		.name = column_text(row, 3),
		.last_version = sqlite3_column_int64(row, 4),
		.held = sqlite3_column_int(row, 5),
	};
}

int image_find(struct store *store, int64_t repository, const char *name,
	struct image_record *record, struct error *err)
{
	sqlite3_stmt *row = statement_begin(store, QUERY_IMAGE_BY_NAME,
		WITH(number(":repository", repository), string(":name", name)), err);
	int found = statement_step(store, row, err);

	if (found > 0) {
		*record = read_image(row);
		statement_end(row);
	}
	return found;
}

int image_find_by_id(
	struct store *store, int64_t id, struct image_record *record, struct error *err)
{
	sqlite3_stmt *row = statement_begin(store, QUERY_IMAGE_BY_ID, WITH(number(":id", id)), err);
	int found = statement_step(store, row, err);

	if (found > 0) {
		*record = read_image(row);
		statement_end(row);
	}
	return found;
}

int image_get(
	struct store *store, int64_t repository, const char *name, int64_t *id, struct error *err)
{
	struct image_record record;
	int found = image_find(store, repository, name, &record, err);

	if (found < 0)
		return -1;
	if (found) {
		*id = record.id;
		image_record_clear(&record);
		return 0;
	}
	if (statement_run(store, QUERY_IMAGE_ADD,
		    WITH(number(":repository", repository), string(":name", name)), err) < 0)
		return -1;
	*id = sqlite3_last_insert_rowid(store_database(store));
	return 0;
}

int image_set_held(struct store *store, int64_t image, bool held, struct error *err)
{
	return statement_run(store, QUERY_IMAGE_SET_HELD,
		WITH(number(":id", image), number(":held", held)), err);
}

int image_note_version(struct store *store, int64_t image, int64_t version, struct error *err)
{
	return statement_run(store, QUERY_IMAGE_SET_LAST_VERSION,
		WITH(number(":id", image), number(":version", version)), err);
}

int image_next_version(struct store *store, int64_t image, int64_t *version, struct error *err)
{
	struct image_record record;
	int found = image_find_by_id(store, image, &record, err);

	if (found < 0)
		return -1;
	if (!found)
		return fail(err, ERROR_BROKEN, "there is no image %lld", (long long)image);
	*version = record.last_version + 1;
	image_record_clear(&record);
	return image_note_version(store, image, *version, err);
}

int images_list(struct store *store, int64_t repository, const char *name,
	struct image_records *records, struct error *err)
{
	enum query query = repository ? QUERY_IMAGES_OF : name ? QUERY_IMAGES_CALLED : QUERY_IMAGES;
	sqlite3_stmt *row = statement_begin(store, query,
		repository ? WITH(number(":repository", repository))
		: name     ? WITH(string(":name", name))
			   : NULL,
		err);
	int more;

	while ((more = statement_step(store, row, err)) > 0) {
		struct image_record record = read_image(row);
		if (name && strcmp(record.name, name) != 0) {
			image_record_clear(&record);
			continue;
		}
		MEMORY_GROW(records->items, records->count, records->room);
		records->items[records->count++] = record;
	}
	return more;
}

/* ---- marks ---- */

void version_marks_clear(struct version_marks *marks)
{
	for (size_t i = 0; i < marks->count; i++)
		free(marks->items[i].name);
	free(marks->items);
	*marks = (struct version_marks){0};
}

static const struct {
	enum query list;
	int name, closure, version; /* columns; -1: none */
} mark_kinds[MARK_COUNT] = {
	[MARK_CHANNEL] = {QUERY_CHANNELS_OF, 0, -1, 1},
	[MARK_HOLD] = {QUERY_HOLDS_OF, -1, -1, 0},
	[MARK_QUARANTINE] = {QUERY_QUARANTINES_OF, -1, 0, 1},
	[MARK_EQUAL] = {QUERY_EQUALS_OF, -1, 0, 1},
};

int marks_list(struct store *store, int64_t image, enum mark mark, struct version_marks *marks,
	struct error *err)
{
	sqlite3_stmt *row =
		statement_begin(store, mark_kinds[mark].list, WITH(number(":image", image)), err);
	int more;

	while ((more = statement_step(store, row, err)) > 0) {
		struct version_mark item = {
			.version = sqlite3_column_int64(row, mark_kinds[mark].version)};
		if (mark_kinds[mark].name >= 0)
			item.name = column_text(row, mark_kinds[mark].name);
		if (mark_kinds[mark].closure >= 0)
			column_digest(row, mark_kinds[mark].closure, &item.closure);
		MEMORY_GROW(marks->items, marks->count, marks->room);
		marks->items[marks->count++] = item;
	}
	return more;
}

int channel_set(
	struct store *store, int64_t image, const char *name, int64_t version, struct error *err)
{
	return statement_run(store, QUERY_CHANNEL_SET,
		WITH(number(":image", image), string(":name", name), number(":version", version)),
		err);
}

int channel_find(
	struct store *store, int64_t image, const char *name, int64_t *version, struct error *err)
{
	sqlite3_stmt *row = statement_begin(store, QUERY_CHANNEL_GET,
		WITH(number(":image", image), string(":name", name)), err);
	int found = statement_step(store, row, err);

	*version = 0;
	if (found > 0) {
		*version = sqlite3_column_int64(row, 0);
		statement_end(row);
	}
	return found < 0 ? -1 : 0;
}

int channels_remove(struct store *store, int64_t image, struct error *err)
{
	return statement_run(store, QUERY_CHANNELS_REMOVE, WITH(number(":image", image)), err);
}

int hold_set(struct store *store, int64_t image, int64_t version, bool held, struct error *err)
{
	return statement_run(store, held ? QUERY_HOLD_ADD : QUERY_HOLD_REMOVE,
		WITH(number(":image", image), number(":version", version)), err);
}

int quarantine_add(struct store *store, int64_t image, const struct digest *closure,
	int64_t version, struct error *err)
{
	return statement_run(store, QUERY_QUARANTINE_ADD,
		WITH(number(":image", image), digest_blob(":closure", closure),
			number(":version", version)),
		err);
}

int quarantine_lift(struct store *store, int64_t image, int64_t version, struct error *err)
{
	if (!version)
		return statement_run(
			store, QUERY_QUARANTINE_REMOVE_ALL, WITH(number(":image", image)), err);
	return statement_run(store, QUERY_QUARANTINE_REMOVE,
		WITH(number(":image", image), number(":version", version)), err);
}

int equal_set(struct store *store, int64_t image, const struct digest *closure, int64_t version,
	struct error *err)
{
	return statement_run(store, QUERY_EQUAL_SET,
		WITH(number(":image", image), digest_blob(":closure", closure),
			number(":version", version)),
		err);
}

/* ---- failures ---- */

void failure_record_clear(struct failure_record *record)
{
	free(record->text);
	*record = (struct failure_record){0};
}

int failure_find(struct store *store, int64_t image, const struct digest *closure,
	struct failure_record *record, struct error *err)
{
	sqlite3_stmt *row = statement_begin(store, QUERY_FAILURE_GET,
		WITH(number(":image", image), digest_blob(":closure", closure)), err);
	int found = statement_step(store, row, err);

	if (found <= 0)
		return found;
	*record = (struct failure_record){
		.text = column_text(row, 1),
		.tries = sqlite3_column_int64(row, 2),
		.next_usec = sqlite3_column_int64(row, 3),
	};
	autofree char *kind = column_text(row, 0);
	record->kind = error_kind_find(kind);
	statement_end(row);
	return 1;
}

int failure_set(struct store *store, int64_t image, const struct digest *closure,
	const struct error *cause, int64_t next_usec, struct error *err)
{
	return statement_run(store, QUERY_FAILURE_SET,
		WITH(number(":image", image), digest_blob(":closure", closure),
			string(":kind", error_kind_name(cause->kind)), string(":text", cause->text),
			number_or_null(":next", next_usec)),
		err);
}

int failure_forget(
	struct store *store, int64_t image, const struct digest *closure, struct error *err)
{
	return statement_run(store, closure ? QUERY_FAILURE_REMOVE : QUERY_FAILURES_REMOVE_OF,
		closure ? WITH(number(":image", image), digest_blob(":closure", closure))
			: WITH(number(":image", image)),
		err);
}
