/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Real numbers as Go writes them: the fewest digits that read back as the same double. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/*
 * With an exponent ("1e+21", two digits at least) where that would be below LEAST, or MOST or more; else without. LEAST and MOST
 * beyond 400 mean: never an exponent. Infinities are "+Inf" and "-Inf". Source: Go's strconv.FormatFloat(real, 'g', -1, 64) and
 * 'f'; %v is LEAST -4, MOST 21.
 */
void real_add(double real, int least, int most, struct text *out);

/* Whether every '_' of a number stands between digits, or behind 0x, 0o or 0b and before one. Source: strconv's underscoreOK. */
bool real_underscores_fit(const char *number, size_t size);

/* Cut towards 0; what no 64-bit integer holds, and NaN, is INT64_MIN, as Go has it on amd64. */
int64_t real_to_integer(double real);
