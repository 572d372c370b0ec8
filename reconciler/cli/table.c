/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/table.h"

#include <stdio.h>
#include <string.h>

enum { COLUMNS_MOST = 16, GAP = 2 };

void table_add(struct table *table, const char *const *cells)
{
	for (size_t i = 0; i < table->columns; i++)
		strings_add(&table->cells, cells[i] ? cells[i] : "-");
}

void table_print(struct table *table)
{
	int widths[COLUMNS_MOST] = {0};
	size_t columns = table->columns;

	for (size_t i = 0; i < table->cells.count; i++) {
		int width = (int)strlen(table->cells.items[i]);
		if (width > widths[i % columns])
			widths[i % columns] = width;
	}
	for (size_t i = 0; i < table->cells.count; i++) {
		if (i % columns == columns - 1)
			printf("%s\n", table->cells.items[i]);
		else
			printf("%-*s", widths[i % columns] + GAP, table->cells.items[i]);
	}
}

void table_clear(struct table *table)
{
	strings_clear(&table->cells);
}
