/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Lengths of time as people write them. */

#include <stdint.h>

#include "base/text.h"

/*
 * Go's time.ParseDuration: "300ms", "-1.5h", "2h45m"; units ns us µs ms s m h; "0" needs none. Nanoseconds in
 * *NSEC. 0, or -1 for what Go refuses. Source: Go 1.15 time/format.go.
 */
int duration_parse_go(const char *text, int64_t *nsec);
/* How Go prints one: "1h10m0s", "1.5s", "300ms", "0s". */
void duration_write_go(int64_t nsec, struct text *out);

/* kiln's own: a whole number and one of s m h d ("90s", "30d"). Seconds in *SEC, -1 if it is not of the form. */
int duration_parse(const char *text, int64_t *sec);
