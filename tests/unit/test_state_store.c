/* SPDX-License-Identifier: Apache-2.0 */
#include "state/store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "state/image.h"
#include "state/statement.h"
#include "tests/unit/check.h"

static struct error err;

/* ---- the table of queries ---- */

static void prepares_all(void)
{
	CLEANUP(store_closep) struct store *store = NULL;

	if (!CHECK(store_open_memory(&store, &err) == 0, "a store in memory"))
		return;
	CHECK(store_is_memory(store), "it says so");
	CHECK(store_check(store, &err) == 0, "it is whole");
	for (enum query query = QUERY_NONE; query < QUERY_COUNT; query++) {
		sqlite3_stmt *statement = NULL;
		const char *sql = query_sql(query);
		int code = sql && *sql ? sqlite3_prepare_v2(
						 store_database(store), sql, -1, &statement, NULL)
		                       : SQLITE_ERROR;
		if (!CHECK(code == SQLITE_OK, "query %d is SQL", query))
			printf("# %s: %s\n", sql, sqlite3_errmsg(store_database(store)));
		int count = statement ? sqlite3_bind_parameter_count(statement) : 0, named = 0;
		for (int i = 1; i <= count; i++) {
			const char *name = sqlite3_bind_parameter_name(statement, i);
			named += name && name[0] == ':';
		}
		CHECK_NUMBER(named, count, "and its parameters have names");
		sqlite3_finalize(statement);
	}
}

static int run(struct store *store, const char *name)
{
	int64_t id;

	return repository_add(store, name, name, "main", false, &id, &err);
}

static size_t count_repositories(struct store *store)
{
	CLEANUP(repository_records_clear) struct repository_records records = {0};

	return repositories_list(store, &records, &err) < 0 ? 999 : records.count;
}

static void keeps_transactions(struct store *store)
{
	CHECK(store_begin(store, &err) == 0 && run(store, "one") == 0, "a transaction begins");
	CHECK(store_begin(store, &err) < 0, "and has none within it");
	CHECK_NUMBER(count_repositories(store), 1, "it sees what it does");
	store_rollback(store);
	CHECK_NUMBER(count_repositories(store), 0, "rolled back, nothing happened");
	store_rollback(store);
	CHECK(store_begin(store, &err) == 0 && run(store, "one") == 0 &&
			store_commit(store, &err) == 0,
		"committed");
	store_rollback(store);
	CHECK_NUMBER(count_repositories(store), 1, "it stays, and a late rollback does nothing");
	CHECK(store_commit(store, &err) < 0, "there is nothing to commit");
	CHECK(run(store, "one") < 0, "a name that is there already is an error");
	CHECK(run(store, "two") == 0, "after which the next one is added");
}

/* ---- files ---- */

static char folder[] = "/tmp/kiln-test-store-XXXXXX";

static int write_database(const char *bytes, size_t size)
{
	autofree char *path = memory_printf("%s/kiln.db", folder);
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd < 0 ? -1 : file_write_all(fd, bytes, size, &err);
}

static enum error_kind try_open(bool create)
{
	CLEANUP(store_closep) struct store *store = NULL;

	err.kind = ERROR_NONE;
	return store_open(folder, create, &store, &err) < 0 ? err.kind : ERROR_NONE;
}

/* Runs SQL on the file behind kiln's back. */
static int change(const char *sql)
{
	autofree char *path = memory_printf("%s/kiln.db", folder);
	sqlite3 *database = NULL;
	int code = sqlite3_open(path, &database);

	if (code == SQLITE_OK)
		code = sqlite3_exec(database, sql, NULL, NULL, NULL);
	sqlite3_close(database);
	return code;
}

static void makes_one(void)
{
	CLEANUP(store_closep) struct store *store = NULL;
	autofree char *path = memory_printf("%s/kiln.db", folder);
	struct stat status;

	CHECK_NUMBER(try_open(false), ERROR_CATALOG, "no store is no store");
	CHECK(access(path, F_OK) < 0, "and none was made");
	if (!CHECK(store_open(folder, true, &store, &err) == 0, "one is made"))
		return;
	CHECK(!store_is_memory(store), "in a file");
	CHECK(stat(path, &status) == 0 && (status.st_mode & 07777) == 0600, "that is its owner's");
	CHECK(run(store, "kept") == 0 && store_check(store, &err) == 0, "it is written to");
	store_close(TAKE(store));
	if (!CHECK(store_open(folder, false, &store, &err) == 0, "and opened again"))
		return;
	CHECK_NUMBER(count_repositories(store), 1, "with what was in it");
	store_close(NULL);
}

static void refuses_damage(void)
{
	autofree char *path = memory_printf("%s/kiln.db", folder);
	autofree char *bytes = NULL;
	size_t size = 0;

	CHECK(file_read(AT_FDCWD, path, 64 << 20, &bytes, &size, &err) == 0 && size > 4096,
		"the file of a store");
	CHECK(write_database("", 0) == 0, "emptied");
	CHECK_NUMBER(try_open(true), ERROR_BROKEN, "it is damage, not a beginning");
	CHECK(write_database(bytes, 50) == 0 && try_open(true) == ERROR_BROKEN,
		"as is half a header");
	CHECK(write_database(bytes, size - 1) == 0 && try_open(true) == ERROR_BROKEN,
		"and a file that lacks its last byte");
	CHECK(write_database("some text, longer than a header: ................................"
			     "...................................................",
		      113) == 0 &&
			try_open(true) == ERROR_BROKEN,
		"and what is no database");
	CHECK(write_database(bytes, size) == 0 && try_open(false) == ERROR_NONE, "whole it opens");
	CHECK(change("PRAGMA user_version = 1000") == SQLITE_OK, "a newer kiln writes it");
	CHECK_NUMBER(try_open(true), ERROR_BROKEN, "which this one does not open");
	CHECK(strstr(err.text, "newer kiln"), "and says why");
	CHECK(write_database(bytes, size) == 0 && change("PRAGMA application_id = 1") == SQLITE_OK,
		"another program's database");
	CHECK_NUMBER(try_open(true), ERROR_BROKEN, "is not ours");
}

int main(void)
{
	CLEANUP(store_closep) struct store *store = NULL;

	prepares_all();
	if (CHECK(store_open_memory(&store, &err) == 0, "another store in memory"))
		keeps_transactions(store);
	if (!CHECK(mkdtemp(folder), "a folder"))
		return check_done();
	makes_one();
	refuses_damage();
	CHECK(folder_remove(AT_FDCWD, folder, &err) == 0, "the folder goes");
	return check_done();
}
