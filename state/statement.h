/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to state/: every SQL text that runs often stands in one table (statement.c) and has a name here. */

#include <sqlite3.h>

#include "base/digest.h"
#include "base/text.h"
#include "state/store.h"

enum query {
	QUERY_NONE,
	/* repositories and images */
	QUERY_REPOSITORY_BY_PLACE,
	QUERY_REPOSITORY_BY_NAME,
	QUERY_REPOSITORY_BY_ID,
	QUERY_REPOSITORIES,
	QUERY_REPOSITORY_ADD,
	QUERY_REPOSITORY_SET_COMMIT,
	QUERY_IMAGE_BY_NAME,
	QUERY_IMAGE_BY_ID,
	QUERY_IMAGES_OF,
	QUERY_IMAGES_CALLED,
	QUERY_IMAGES,
	QUERY_IMAGE_ADD,
	QUERY_IMAGE_SET_HELD,
	QUERY_IMAGE_SET_LAST_VERSION,
	/* closures */
	QUERY_CLOSURE_ADD,
	QUERY_CLOSURE_GET,
	QUERY_CLOSURES_WITH,
	/* builds */
	QUERY_BUILD_ADD,
	QUERY_BUILD_BY_ID,
	QUERY_BUILD_BY_VERSION,
	QUERY_BUILDS_OF_IMAGE,
	QUERY_BUILDS_UNDER_WAY,
	QUERY_BUILDS_BY_COMMIT,
	QUERY_BUILDS_BY_DIGEST,
	QUERY_BUILDS_BY_FILE,
	QUERY_BUILDS_BY_OUTPUT,
	QUERY_BUILDS_BY_CLOSURE,
	QUERY_BUILDS_ALL_VERSIONS,
	QUERY_BUILDS_PUBLISHED,
	QUERY_BUILDS_COMMITS,
	QUERY_BUILDS_WITH_BASES,
	QUERY_BUILD_NEWEST,
	QUERY_BUILD_SET_PHASE,
	QUERY_BUILD_SET_VERSION,
	QUERY_BUILD_SET_ARTIFACT,
	QUERY_BUILD_SET_STARTED,
	QUERY_BUILD_SET_ENDED,
	QUERY_BUILD_SET_LIVE,
	QUERY_BUILD_SET_VALIDATED,
	QUERY_BUILD_SET_CONFIRMED,
	QUERY_BUILD_SET_POLICY,
	QUERY_BUILD_SET_ERROR,
	QUERY_BUILD_ADD_ATTEMPT,
	QUERY_BUILD_IMPORT,
	/* channels, holds, quarantines, equals, failures */
	QUERY_CHANNEL_SET,
	QUERY_CHANNELS_OF,
	QUERY_CHANNEL_GET,
	QUERY_CHANNELS_REMOVE,
	QUERY_HOLD_ADD,
	QUERY_HOLD_REMOVE,
	QUERY_HOLDS_OF,
	QUERY_QUARANTINE_ADD,
	QUERY_QUARANTINE_REMOVE,
	QUERY_QUARANTINE_REMOVE_ALL,
	QUERY_QUARANTINES_OF,
	QUERY_EQUAL_SET,
	QUERY_EQUALS_OF,
	QUERY_FAILURE_SET,
	QUERY_FAILURE_GET,
	QUERY_FAILURE_REMOVE,
	QUERY_FAILURES_REMOVE_OF,
	/* ledger and events */
	QUERY_LEDGER_ADD,
	QUERY_LEDGER_REMOVE,
	QUERY_LEDGER_OF,
	QUERY_LEDGER_ALL,
	QUERY_EVENT_LAST,
	QUERY_EVENT_ADD,
	QUERY_EVENTS_ALL,
	QUERY_EVENTS_OF_BUILD,
	QUERY_EVENTS_OF_IMAGE,
	QUERY_EVENT_BEFORE,
	/* the planning cache */
	QUERY_PLAN_TREE_GET,
	QUERY_PLAN_TREE_ADD,
	QUERY_PLAN_TREE_SET,
	QUERY_PLAN_TREE_REMOVE,
	QUERY_PLAN_BY_PATH,
	QUERY_PLAN_BELOW_PATH,
	QUERY_PLAN_DEFINITION_GET,
	QUERY_PLAN_DEFINITIONS,
	QUERY_PLAN_DEFINITION_ADD,
	QUERY_PLAN_DEFINITION_REMOVE,
	QUERY_PLAN_DEFINITIONS_REMOVE,
	QUERY_PLAN_IMAGE_ADD,
	QUERY_PLAN_IMAGES_REMOVE,
	QUERY_PLAN_IMAGES_REMOVE_ALL,
	QUERY_PLAN_IMAGES_OF,
	QUERY_PLAN_IMAGES_CALLED,
	QUERY_PLAN_IMAGES_ALL,
	QUERY_PLAN_IMAGES_WITH_BASES,
	QUERY_PLAN_PATH_ADD,
	QUERY_PLAN_PATHS_REMOVE,
	QUERY_PLAN_PATHS_REMOVE_ALL,
	QUERY_PLAN_BASE_ADD,
	QUERY_PLAN_BASES_REMOVE,
	QUERY_PLAN_BASES_REMOVE_ALL,
	QUERY_PLAN_CHILDREN,
	/* what it all adds up to */
	QUERY_FIGURES_NEWEST,
	QUERY_FIGURES_BUILDS,
	QUERY_FIGURES_REST,
	QUERY_LIVE_VERSIONS,
	QUERY_STATUSES,
	QUERY_COUNT
};

/* The SQL behind a name; for the test that prepares them all. */
const char *query_sql(enum query query);

struct parameter {
	const char *name; /* with its colon */
	enum { PARAMETER_NULL, PARAMETER_INTEGER, PARAMETER_TEXT, PARAMETER_BLOB } type;
	long long integer;
	const void *bytes;
	size_t size;
};

/* A list of parameters for one run, ended by a nameless one. */
#define WITH(...)                  \
	(const struct parameter[]) \
	{                          \
		__VA_ARGS__,       \
		{                  \
			0          \
		}                  \
	}

static inline struct parameter number(const char *name, long long value)
{
	return (struct parameter){name, PARAMETER_INTEGER, value, NULL, 0};
}

/* 0 as NULL: a time that is not set. */
static inline struct parameter number_or_null(const char *name, long long value)
{
	return (struct parameter){name, value ? PARAMETER_INTEGER : PARAMETER_NULL, value, NULL, 0};
}

static inline struct parameter string(const char *name, const char *text)
{
	return (struct parameter){name, text ? PARAMETER_TEXT : PARAMETER_NULL, 0, text, 0};
}

static inline struct parameter blob(const char *name, const void *bytes, size_t size)
{
	return (struct parameter){name, bytes ? PARAMETER_BLOB : PARAMETER_NULL, 0, bytes, size};
}

static inline struct parameter digest_blob(const char *name, const struct digest *digest)
{
	return blob(name, digest ? digest->bytes : NULL, DIGEST_SIZE);
}

/*
 * A query with its parameters, ready for statement_step; NULL on error. It is the store's; a second one of the same name
 * may not begin before the first ended (statement_step said 0 or -1, or statement_end).
 */
sqlite3_stmt *statement_begin(
	struct store *store, enum query query, const struct parameter *with, struct error *err);
/* 1: a row is there; 0: no more, the statement has ended; -1: so it has, by an error. */
int statement_step(struct store *store, sqlite3_stmt *statement, struct error *err);
void statement_end(sqlite3_stmt *statement);
/* All at once for what gives no rows. */
int statement_run(
	struct store *store, enum query query, const struct parameter *with, struct error *err);

/* Columns; text is copied ("" for NULL), a blob of another size is a digest of zeros and false. */
char *column_text(sqlite3_stmt *statement, int column);
char *column_text_or_null(sqlite3_stmt *statement, int column);
bool column_digest(sqlite3_stmt *statement, int column, struct digest *digest);

sqlite3 *store_database(struct store *store);
/* The failure that SQLite just reported, as an error. */
int store_fail(struct store *store, struct error *err, const char *what);
