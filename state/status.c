/* SPDX-License-Identifier: Apache-2.0 */
#include "state/status.h"

#include "state/statement.h"

static const char *text_at(sqlite3_stmt *row, int column)
{
	return (const char *)sqlite3_column_text(row, column);
}

static void read_row(sqlite3_stmt *row, struct image_status *status)
{
	*status = (struct image_status){.image = sqlite3_column_int64(row, 0),
		.name = text_at(row, 1),
		.held = sqlite3_column_int(row, 2),
		.phase = phase_find(text_at(row, 3)),
		.error = text_at(row, 5),
		.reason = text_at(row, 6),
		.rules = text_at(row, 7),
		.rebuild = text_at(row, 8),
		.has_failures = sqlite3_column_int(row, 9),
		.version = sqlite3_column_int64(row, 10),
		.commit = text_at(row, 11),
		.live_usec = sqlite3_column_int64(row, 13),
		.confirmed_usec = sqlite3_column_int64(row, 14)};
	column_digest(row, 4, &status->closure);
	column_digest(row, 12, &status->live_closure);
}

int statuses_each(struct store *store, int64_t repository, const char *after, int64_t most,
	int (*each)(void *context, const struct image_status *status, struct error *err),
	void *context, struct error *err)
{
	sqlite3_stmt *row = statement_begin(store, QUERY_STATUSES,
		WITH(number(":repository", repository), string(":after", after),
			number(":most", most)),
		err);
	int more;

	while ((more = statement_step(store, row, err)) > 0) {
		struct image_status status;
		read_row(row, &status);
		if (each(context, &status, err) < 0) {
			statement_end(row);
			return -1;
		}
	}
	return more;
}
