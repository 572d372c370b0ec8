/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The database, STATE/kiln.db. One process at a time has it open, the one that holds STATE/lock (state/lock.h): SQLite's
 * WAL mode with locking_mode=EXCLUSIVE and synchronous=FULL, so that what was committed survives a power cut.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct store;

/*
 * Opens FOLDER/kiln.db. CREATE makes a new one where none is; without it, none is an error of kind CATALOG. Refused, kind
 * BROKEN: a file that is truncated, damaged or not kiln's, or one that a newer kiln wrote.
 */
int store_open(const char *folder, bool create, struct store **store, struct error *err);
/* One that lives in memory and is forgotten. */
int store_open_memory(struct store **store, struct error *err);
void store_close(struct store *store);
static inline void store_closep(struct store **store)
{
	store_close(*store);
}
bool store_is_memory(const struct store *store);

/* Transactions do not nest. A commit that fails has rolled back. */
int store_begin(struct store *store, struct error *err);
int store_commit(struct store *store, struct error *err);
void store_rollback(struct store *store);

/* SQLite's own check of the file; the first fault as an error of kind BROKEN. Reads everything. */
int store_check(struct store *store, struct error *err);

/* The schema that this program writes. */
int store_schema_version(void);
