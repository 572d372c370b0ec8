/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* builds/BUILD/log: what a build said, a JSON object a line: {"time", "build", "step", "stream", "text"}. */

#include <stdint.h>

#include "base/error.h"
#include "base/redact.h"

enum log_stream { LOG_SAY, LOG_STDOUT, LOG_STDERR, LOG_STREAM_COUNT };

struct build_log {
	int fd;
	const char *build; /* borrowed */
	const char *step;  /* what the next lines belong to; borrowed, NULL: the build itself */
	struct redactor secrets;
	struct text partial[LOG_STREAM_COUNT]; /* lines that have no end yet */
	int64_t bytes;                         /* said so far */
	int64_t most;                          /* more is not written */
	struct text *output; /* standard output goes here too; borrowed, may be NULL */
	size_t output_most;  /* so many bytes of it; 0: 1 MiB */
	bool output_only;    /* and what programs say is not written */
	bool said_invalid; /* a program said "Invalid argument": what a chown to an unmapped id gives */
};

int build_log_open(
	struct build_log *log, int folder, const char *build, int64_t most, struct error *err);
void build_log_close(struct build_log *log);
/* A line of kiln's own. */
void build_log_say(struct build_log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* What a program says, in pieces as they come; each whole line is written at once. */
void build_log_add(struct build_log *log, enum log_stream stream, const char *bytes, size_t size);
/* Writes what has no line end. */
void build_log_flush(struct build_log *log);
/* More was said than is kept. */
bool build_log_is_full(const struct build_log *log);
