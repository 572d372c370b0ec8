/* SPDX-License-Identifier: Apache-2.0 */
#include "state/figures.h"

#include "state/statement.h"

static int count_newest(struct store *store, struct figures *figures, struct error *err)
{
	sqlite3_stmt *row = statement_begin(store, QUERY_FIGURES_NEWEST, NULL, err);
	int more;

	while ((more = statement_step(store, row, err)) > 0)
		figures->newest[phase_find((const char *)sqlite3_column_text(row, 0))] +=
			sqlite3_column_int64(row, 1);
	return more;
}

static int count_builds(struct store *store, struct figures *figures, struct error *err)
{
	sqlite3_stmt *row = statement_begin(store, QUERY_FIGURES_BUILDS, NULL, err);
	int more;

	while ((more = statement_step(store, row, err)) > 0) {
		enum phase phase = phase_find((const char *)sqlite3_column_text(row, 0));
		figures->builds[phase] += sqlite3_column_int64(row, 1);
		figures->timed[phase] += sqlite3_column_int64(row, 2);
		figures->usec[phase] += sqlite3_column_int64(row, 3);
	}
	return more;
}

int figures_read(struct store *store, struct figures *figures, struct error *err)
{
	*figures = (struct figures){0};
	if (count_newest(store, figures, err) < 0 || count_builds(store, figures, err) < 0)
		return -1;
	sqlite3_stmt *row = statement_begin(store, QUERY_FIGURES_REST, NULL, err);
	int found = statement_step(store, row, err);
	if (found > 0) {
		figures->held = sqlite3_column_int64(row, 0);
		figures->events = sqlite3_column_int64(row, 1);
	}
	statement_end(row);
	return found < 0 ? -1 : 0;
}

int live_versions_each(struct store *store, const char *repository,
	void (*each)(void *context, const struct live_version *live), void *context,
	struct error *err)
{
	sqlite3_stmt *row = statement_begin(
		store, QUERY_LIVE_VERSIONS, WITH(string(":repository", repository)), err);
	int more;

	while ((more = statement_step(store, row, err)) > 0) {
		struct live_version live = {.repository = (const char *)sqlite3_column_text(row, 0),
			.image = (const char *)sqlite3_column_text(row, 1),
			.version = sqlite3_column_int64(row, 2),
			.confirmed_usec = sqlite3_column_int64(row, 3),
			.bases = (const char *)sqlite3_column_text(row, 4)};
		each(context, &live);
	}
	return more;
}
