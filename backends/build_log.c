/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/build_log.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/json.h"
#include "base/moment.h"

enum { OUTPUT_MOST = 1024 * 1024, LINE_MOST = 64 * 1024 };

static const char *const stream_names[LOG_STREAM_COUNT] = {
	[LOG_SAY] = "kiln",
	[LOG_STDOUT] = "stdout",
	[LOG_STDERR] = "stderr",
};

int build_log_open(
	struct build_log *log, int folder, const char *build, int64_t most, struct error *err)
{
	*log = (struct build_log){.build = build, .most = most};
	log->fd = openat(folder, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log->fd < 0)
		return fail_errno(err, ERROR_BROKEN, "the log");
	return 0;
}

void build_log_close(struct build_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	for (enum log_stream stream = 0; stream < LOG_STREAM_COUNT; stream++)
		text_clear(&log->partial[stream]);
	redactor_clear(&log->secrets);
	log->fd = -1;
}

bool build_log_is_full(const struct build_log *log)
{
	return log->bytes > log->most;
}

/* A full disk must not stop a build twice: what the log cannot take is lost, the step's own failure is told. */
#define INVALID "Invalid argument"

static void write_line(
	struct build_log *log, enum log_stream stream, const char *bytes, size_t size)
{
	autojson struct json *entry = json_new_object();
	CLEANUP(text_clear) struct text line = {0}, shown = {0};
	char time[MOMENT_TEXT_SIZE];
	struct error ignored;

	log->bytes += size + 1;
	log->said_invalid |= memmem(bytes, size, INVALID, sizeof(INVALID) - 1) != NULL;
	if (build_log_is_full(log) && stream != LOG_SAY)
		return;
	redactor_apply(&log->secrets, bytes, size, &shown);
	json_set_text(entry, "time", moment_text(moment_now_usec(), time));
	json_set_text(entry, "build", log->build);
	json_set_text(entry, "step", log->step);
	json_set_text(entry, "stream", stream_names[stream]);
	json_set(entry, "text", json_new_text_bytes(text_get(&shown), shown.size));
	json_write(entry, JSON_LINE, &line);
	text_add_char(&line, '\n');
	file_write_all(log->fd, line.data, line.size, &ignored);
}

/* Without the white space at the end, and of what a program wrote over itself (\r) only what was left standing. */
static void write_shown(
	struct build_log *log, enum log_stream stream, const char *bytes, size_t size)
{
	while (size &&
		(bytes[size - 1] == ' ' || bytes[size - 1] == '\t' || bytes[size - 1] == '\r'))
		size--;
	const char *last = memrchr(bytes, '\r', size);
	if (last) {
		size -= last + 1 - bytes;
		bytes = last + 1;
	}
	write_line(log, stream, bytes, size);
}

void build_log_add(struct build_log *log, enum log_stream stream, const char *bytes, size_t size)
{
	struct text *partial = &log->partial[stream];
	size_t most = log->output_most ? log->output_most : OUTPUT_MOST;

	if (log->output && stream == LOG_STDOUT && log->output->size < most)
		text_add_bytes(log->output, bytes, size);
	if (log->output_only && stream != LOG_SAY)
		return;
	while (size) {
		const char *end = memchr(bytes, '\n', size);
		size_t length = end ? (size_t)(end - bytes) : size;
		text_add_bytes(partial, bytes, length);
		bytes += length + (end != NULL);
		size -= length + (end != NULL);
		if (end || partial->size > LINE_MOST) {
			write_shown(log, stream, text_get(partial), partial->size);
			text_reset(partial);
		}
	}
}

void build_log_flush(struct build_log *log)
{
	for (enum log_stream stream = 0; stream < LOG_STREAM_COUNT; stream++) {
		if (!log->partial[stream].size)
			continue;
		write_shown(log, stream, log->partial[stream].data, log->partial[stream].size);
		text_reset(&log->partial[stream]);
	}
}

void build_log_say(struct build_log *log, const char *format, ...)
{
	CLEANUP(text_clear) struct text text = {0};
	va_list args;

	va_start(args, format);
	text_addv(&text, format, args);
	va_end(args);
	text_add_char(&text, '\n');
	build_log_add(log, LOG_SAY, text.data, text.size);
}
