/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* "Did you mean": the known name that is nearest to a mistyped one. */

#include <stddef.h>

/*
 * Of COUNT names, the one with the smallest edit distance (insertions, deletions, replacements, swaps of
 * neighbours; case counts nothing); NULL if none is nearer than a third of the word. Borrowed.
 */
const char *nearest_name(const char *word, const char *const *names, size_t count);
