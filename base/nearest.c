/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { LONGEST = 64 };

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Optimal string alignment; both at most LONGEST bytes. */
static unsigned distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	unsigned rows[3][LONGEST + 1];
	unsigned *older = rows[0], *old = rows[1], *now = rows[2];

	for (size_t j = 0; j <= b_size; j++)
		old[j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		now[0] = i;
		for (size_t j = 1; j <= b_size; j++) {
			unsigned best = old[j - 1] + !same(a[i - 1], b[j - 1]);
			best = smaller(best, smaller(old[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				best = smaller(best, older[j - 2] + 1);
			now[j] = best;
		}
		unsigned *free_row = older;
		older = old;
		old = now;
		now = free_row;
	}
	return old[b_size];
}

const char *nearest_name(const char *word, const char *const *names, size_t count)
{
	size_t size = strlen(word);
	unsigned most = size < 3 ? 1 : (size + 2) / 3;
	const char *nearest = NULL;

	if (size > LONGEST)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t other = strlen(names[i]);
		/* each byte too many or too few costs one */
		if (other > LONGEST || (other > size ? other - size : size - other) > most)
			continue;
		unsigned d = distance(word, size, names[i], other);
		if (d <= most && (!nearest || d < most)) {
			nearest = names[i];
			most = d;
		}
	}
	return nearest;
}
