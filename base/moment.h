/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Points in time as text. Microseconds since 1970 where kiln keeps them; always UTC. */

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { MOMENT_TEXT_SIZE = 32 };

/* The clock, CLOCK_REALTIME. */
int64_t moment_now_usec(void);
/* CLOCK_MONOTONIC, for measuring. */
int64_t moment_elapsed_usec(void);

/* RFC 3339 with Z, whole seconds: "2026-11-22T10:28:39Z". */
const char *moment_text(int64_t usec, char text[static MOMENT_TEXT_SIZE]);
/* Reads the same (fractions and offsets allowed); -1 if it is not of the form. */
int moment_parse(const char *text, int64_t *usec);

/*
 * A time in Go's reference layout ("2006-01-02 15:04:05"), always UTC, wrong layouts with the same garbage as Go.
 * Source: Go 1.19 time/format.go, nextStdChunk and AppendFormat.
 */
void moment_write_layout(int64_t sec, long nsec, const char *layout, struct text *out);
/* Packer's strftime: %B %b %m %A %a %d %H %I %M %S %Y %y %p %Z %z %L %%; all else is copied. */
void moment_write_strftime(int64_t sec, long nsec, const char *format, struct text *out);
