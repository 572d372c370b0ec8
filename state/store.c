/* SPDX-License-Identifier: Apache-2.0 */
#include "state/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/files.h"
#include "base/memory.h"
#include "state/statement.h"

enum { APPLICATION_ID = 0x6B696C6E /* "kiln" */ };

/* The files of schema/, in order: number N is what user_version N says. */
#define SCHEMA_FILE(symbol, path)                                                      \
	__asm__(".section .rodata\n.global " #symbol "\n" #symbol ":\n.incbin \"" path \
		"\"\n.byte 0\n.previous\n");                                           \
	extern const char symbol[];

SCHEMA_FILE(schema_0001, "state/schema/0001-initial.sql")
SCHEMA_FILE(schema_0002, "state/schema/0002-figures.sql")

static const char *const schemas[] = {schema_0001, schema_0002};

struct store {
	sqlite3 *database;
	char *path; /* NULL: in memory */
	sqlite3_stmt *statements[QUERY_COUNT];
};

int store_schema_version(void)
{
	return sizeof(schemas) / sizeof(*schemas);
}

sqlite3 *store_database(struct store *store)
{
	return store->database;
}

bool store_is_memory(const struct store *store)
{
	return store->path == NULL;
}

int store_fail(struct store *store, struct error *err, const char *what)
{
	int code = sqlite3_extended_errcode(store->database);
	int system = sqlite3_system_errno(store->database);
	enum error_kind kind = ERROR_BROKEN;

	if ((code & 0xFF) == SQLITE_FULL || (code & 0xFF) == SQLITE_NOMEM)
		kind = ERROR_RESOURCE;
	else if ((code & 0xFF) == SQLITE_IOERR)
		kind = error_kind_of_errno(system, ERROR_BROKEN);
	else if ((code & 0xFF) == SQLITE_BUSY || (code & 0xFF) == SQLITE_LOCKED)
		kind = ERROR_CONFLICT;
	return fail(err, kind, "%s: %s: %s%s%s", store->path ? store->path : "the store", what,
		sqlite3_errmsg(store->database), system ? ": " : "",
		system ? strerror(system) : "");
}

static int execute(struct store *store, const char *sql, struct error *err)
{
	if (sqlite3_exec(store->database, sql, NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(store, err, "cannot be used");
	return 0;
}

static int read_pragma(struct store *store, const char *sql, long long *value, struct error *err)
{
	sqlite3_stmt *statement = NULL;
	int result = -1;

	if (sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL) == SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_ROW) {
		*value = sqlite3_column_int64(statement, 0);
		result = 0;
	}
	sqlite3_finalize(statement);
	return result < 0 ? store_fail(store, err, "cannot be read") : 0;
}

static int apply_schemas(struct store *store, long long version, struct error *err)
{
	for (; version < store_schema_version(); version++) {
		autofree char *sql = memory_printf("BEGIN IMMEDIATE;\n%s\nPRAGMA user_version = "
						   "%lld;\nPRAGMA application_id = "
						   "%d;\nCOMMIT;",
			schemas[version], version + 1, APPLICATION_ID);
		if (execute(store, sql, err) < 0) {
			sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
			return fail_while(err, "schema %lld", version + 1);
		}
	}
	return 0;
}

static int open_database(struct store *store, const char *path, struct error *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
	            SQLITE_OPEN_EXRESCODE;

	if (sqlite3_open_v2(path, &store->database, flags, NULL) != SQLITE_OK)
		return store_fail(store, err, "cannot be opened");
	return 0;
}

/* ---- files ---- */

/*
 * A new database is made whole beside its place and then renamed, so a file that is there was once complete: an empty or
 * cut one is damage, never an unfinished beginning.
 */
static int create_file(const char *path, struct error *err)
{
	autofree char *beside = memory_printf("%s.new", path);
	struct store store = {.path = beside};
	int result = -1;

	unlink(beside);
	if (open_database(&store, beside, err) == 0 &&
		execute(&store, "PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA;", err) ==
			0)
		result = apply_schemas(&store, 0, err);
	sqlite3_close(store.database);
	if (result < 0)
		return -1;
	FAULT("store-created");
	if (chmod(beside, 0600) < 0 || rename(beside, path) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", path);
	autofree char *folder = memory_copy_bytes(path, strrchr(path, '/') - path);
	return folder_sync(AT_FDCWD, folder, err);
}

static unsigned long big_endian(const unsigned char *bytes, int count)
{
	unsigned long value = 0;

	while (count--)
		value = value << 8 | *bytes++;
	return value;
}

/* A log that a killed process left: it may hold the pages that the file lacks. */
static bool has_log(const char *path)
{
	autofree char *log = memory_printf("%s-wal", path);
	struct stat status;

	return stat(log, &status) == 0 && status.st_size > 0;
}

/* What SQLite would notice only later: a file that is shorter than its header says. Source: sqlite.org/fileformat2.html */
static int check_header(const char *path, struct error *err)
{
	static const char advice[] = "restore it from a backup, or move it away: kiln then makes a "
				     "new one and takes over what the "
				     "catalog's manifests say";
	unsigned char header[100];
	struct stat status;
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &status) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", path);
	ssize_t got = pread(fd, header, sizeof(header), 0);
	if (got < (ssize_t)sizeof(header))
		return fail(err, ERROR_BROKEN, "%s is truncated (%lld bytes): %s", path,
			(long long)status.st_size, advice);
	if (memcmp(header, "SQLite format 3", 16) != 0)
		return fail(err, ERROR_BROKEN, "%s is no database: %s", path, advice);
	unsigned long page = big_endian(header + 16, 2), pages = big_endian(header + 28, 4);
	if (page == 1)
		page = 65536;
	if ((unsigned long)status.st_size < page * pages && !has_log(path))
		return fail(err, ERROR_BROKEN, "%s is truncated (%lld of %lu bytes): %s", path,
			(long long)status.st_size, page * pages, advice);
	if (big_endian(header + 68, 4) != APPLICATION_ID)
		return fail(err, ERROR_BROKEN,
			"%s is the database of another program (application id 0x%08lx)", path,
			big_endian(header + 68, 4));
	return 0;
}

static int open_file(struct store *store, struct error *err)
{
	long long version = 0;

	if (check_header(store->path, err) < 0 || open_database(store, store->path, err) < 0)
		return -1;
	/* exclusive before WAL: then there is no shared memory, and no second connection can corrupt it */
	if (execute(store,
		    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA "
		    "synchronous = FULL; "
		    "PRAGMA foreign_keys = ON; PRAGMA cache_size = -4096; PRAGMA temp_store = "
		    "MEMORY;",
		    err) < 0 ||
		read_pragma(store, "PRAGMA user_version", &version, err) < 0)
		return -1;
	if (version > store_schema_version())
		return fail(err, ERROR_BROKEN,
			"%s was written by a newer kiln (schema %lld; this one knows %d): install "
			"that one",
			store->path, version, store_schema_version());
	return apply_schemas(store, version, err);
}

int store_open(const char *folder, bool create, struct store **result, struct error *err)
{
	struct store *store = memory_new(sizeof(*store));

	store->path = memory_printf("%s/kiln.db", folder);
	bool there = file_exists(AT_FDCWD, store->path);
	if (!there && !create) {
		error_set(err, ERROR_CATALOG, "%s: there is no such store", store->path);
		store_close(store);
		return -1;
	}
	if ((!there && create_file(store->path, err) < 0) || open_file(store, err) < 0) {
		store_close(store);
		return -1;
	}
	*result = store;
	return 0;
}

int store_open_memory(struct store **result, struct error *err)
{
	struct store *store = memory_new(sizeof(*store));

	if (open_database(store, ":memory:", err) < 0 ||
		execute(store, "PRAGMA foreign_keys = ON", err) < 0 ||
		apply_schemas(store, 0, err) < 0) {
		store_close(store);
		return -1;
	}
	*result = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (enum query query = 0; query < QUERY_COUNT; query++)
		sqlite3_finalize(store->statements[query]);
	sqlite3_close(store->database);
	free(store->path);
	free(store);
}

/* ---- transactions ---- */

int store_begin(struct store *store, struct error *err)
{
	return execute(store, "BEGIN IMMEDIATE", err);
}

int store_commit(struct store *store, struct error *err)
{
	if (execute(store, "COMMIT", err) == 0)
		return 0;
	store_rollback(store);
	return -1;
}

void store_rollback(struct store *store)
{
	if (!sqlite3_get_autocommit(store->database))
		sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
}

int store_check(struct store *store, struct error *err)
{
	sqlite3_stmt *statement = NULL;
	int result = 0;

	if (sqlite3_prepare_v2(store->database, "PRAGMA integrity_check(1)", -1, &statement,
		    NULL) != SQLITE_OK ||
		sqlite3_step(statement) != SQLITE_ROW)
		result = store_fail(store, err, "cannot be checked");
	else if (strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0)
		result = fail(err, ERROR_BROKEN, "%s: %s", store->path ? store->path : "the store",
			(const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	return result;
}

/* ---- statements ---- */

static int bind(sqlite3_stmt *statement, const struct parameter *parameter)
{
	int index = sqlite3_bind_parameter_index(statement, parameter->name);

	switch (parameter->type) {
	case PARAMETER_INTEGER:
		return sqlite3_bind_int64(statement, index, parameter->integer);
	case PARAMETER_TEXT:
		return sqlite3_bind_text(statement, index, parameter->bytes, -1, SQLITE_TRANSIENT);
	case PARAMETER_BLOB:
		return sqlite3_bind_blob(
			statement, index, parameter->bytes, (int)parameter->size, SQLITE_TRANSIENT);
	default:
		return sqlite3_bind_null(statement, index);
	}
}

/* Prepared at the first use: a plan that needs three of them does not pay for all. A test prepares every one. */
sqlite3_stmt *statement_begin(
	struct store *store, enum query query, const struct parameter *with, struct error *err)
{
	sqlite3_stmt **statement = &store->statements[query];

	if (!*statement && sqlite3_prepare_v3(store->database, query_sql(query), -1,
				   SQLITE_PREPARE_PERSISTENT, statement, NULL) != SQLITE_OK) {
		store_fail(store, err, query_sql(query));
		return NULL;
	}
	for (const struct parameter *p = with; p && p->name; p++) {
		if (bind(*statement, p) != SQLITE_OK) {
			store_fail(store, err, p->name);
			statement_end(*statement);
			return NULL;
		}
	}
	return *statement;
}

void statement_end(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

int statement_step(struct store *store, sqlite3_stmt *statement, struct error *err)
{
	if (!statement)
		return -1;
	int code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		return 1;
	if (code != SQLITE_DONE)
		store_fail(store, err, "a query failed");
	statement_end(statement);
	return code == SQLITE_DONE ? 0 : -1;
}

int statement_run(
	struct store *store, enum query query, const struct parameter *with, struct error *err)
{
	sqlite3_stmt *statement = statement_begin(store, query, with, err);
	int more;

	while ((more = statement_step(store, statement, err)) > 0)
		;
	return more;
}

char *column_text(sqlite3_stmt *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	return memory_copy_text(text ? (const char *)text : "");
}

char *column_text_or_null(sqlite3_stmt *statement, int column)
{
	if (sqlite3_column_type(statement, column) == SQLITE_NULL)
		return NULL;
	return column_text(statement, column);
}

bool column_digest(sqlite3_stmt *statement, int column, struct digest *digest)
{
	if (sqlite3_column_bytes(statement, column) != DIGEST_SIZE) {
		*digest = (struct digest){{0}};
		return false;
	}
	memcpy(digest->bytes, sqlite3_column_blob(statement, column), DIGEST_SIZE);
	return true;
}
