/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Memory that is always there: a program of ours that gets none ends with a message. What it was doing is
 * safe, because every crash is (docs/ARCHITECTURE.md), and no caller has to carry a branch that never runs.
 */

#include <stdarg.h>
#include <stddef.h>

void *memory_new(size_t size) __attribute__((malloc, returns_nonnull)); /* zeroed */
void *memory_resize(void *pointer, size_t count, size_t size) __attribute__((returns_nonnull));
char *memory_copy_text(const char *text) __attribute__((malloc, returns_nonnull));
char *memory_copy_bytes(const void *bytes, size_t size) /* with a NUL behind them */
	__attribute__((malloc, returns_nonnull));
char *memory_printf(const char *format, ...)
	__attribute__((malloc, returns_nonnull, format(printf, 1, 2)));
char *memory_vprintf(const char *format, va_list arguments)
	__attribute__((malloc, returns_nonnull, format(printf, 1, 0)));

/* Room for one more element at the end of a counted array: array, count, room as plain variables. */
#define MEMORY_GROW(array, count, room)                                             \
	do {                                                                        \
		if ((count) >= (room)) {                                            \
			(room) = (room) ? (room)*2 : 8;                             \
			(array) = memory_resize((array), (room), sizeof(*(array))); \
		}                                                                   \
	} while (0)
