/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Rows of text in columns, as wide as their widest cell; the last one is not padded. */

#include "base/strings.h"

struct table {
	size_t columns;
	struct strings cells; /* row by row */
};
/* The first row is its head. COLUMNS cells, copied; NULL shows as "-". */
void table_add(struct table *table, const char *const *cells);
void table_print(struct table *table);
void table_clear(struct table *table);

#define TABLE_ROW(table, ...) table_add((table), (const char *const[]){__VA_ARGS__})
