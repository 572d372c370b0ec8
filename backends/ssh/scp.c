/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files through scp's own protocol, of which there is no other description than the program: OpenSSH 9.2 scp.c, source() and
 * sink(). A record is a line (C: a file, D and E: a folder and its end); each is answered by a byte, 0 for yes, else a line
 * of text follows.
 */
#include "backends/ssh/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

enum { CHUNK = 256 * 1024, LINE_MOST = 8192 };

/* ---- the protocol's words ---- */

static const struct stream new_stream = {
	.program = "scp", .otherwise = "install it there, or set ssh_file_transfer_method to sftp"};

static int open_scp(struct stream *stream, struct link *link, const char *flags, const char *path,
	struct error *err)
{
	CLEANUP(text_clear) struct text command = {0};

	text_addf(&command, "scp %s -- ", flags);
	quote_path(path, &command);
	return stream_open(stream, link, text_get(&command), err);
}

static int read_line(struct stream *stream, struct text *line, struct error *err)
{
	char c;

	for (;;) {
		if (stream_read(stream, &c, 1, err) < 0)
			return -1;
		if (c == '\n')
			return 0;
		if (line->size == LINE_MOST)
			return fail(err, ERROR_CATALOG, "%s: scp sends no record but noise",
				stream->link->name);
		text_add_char(line, c);
	}
}

/* What it complains of: its own words say about which file. */
static int fail_refused(struct stream *stream, const char *words, struct error *err)
{
	return fail(err, ERROR_CATALOG, "%s: %s", stream->link->name,
		text_starts_with(words, "scp: ") ? words + strlen("scp: ") : words);
}

static int await_yes(struct stream *stream, struct error *err)
{
	CLEANUP(text_clear) struct text line = {0};
	char status;

	if (stream_read(stream, &status, 1, err) < 0)
		return -1;
	if (status == 0)
		return 0;
	if (status != 1 && status != 2)
		text_add_char(&line, status); /* a login script that talks, or another program */
	if (read_line(stream, &line, err) < 0)
		return -1;
	if (status == 1 || status == 2)
		return fail_refused(stream, text_get(&line), err);
	return fail(err, ERROR_CATALOG,
		"%s: in place of scp something else speaks ('%.100s'): does a login script print?",
		stream->link->name, text_get(&line));
}

static int say_yes(struct stream *stream, struct error *err)
{
	return stream_write(stream, "", 1, err);
}

/* ---- sending ---- */

static int send_record(struct stream *stream, char kind, mode_t mode, int64_t size,
	const char *name, struct error *err)
{
	autofree char *record =
		memory_printf("%c%04o %lld %s\n", kind, (unsigned)mode, (long long)size, name);

	if (strchr(name, '\n'))
		return fail(err, ERROR_CATALOG,
			"scp cannot send a name of two lines: set ssh_file_transfer_method to "
			"sftp");
	if (stream_write(stream, record, strlen(record), err) < 0)
		return -1;
	return await_yes(stream, err);
}

static int send_content(
	struct stream *stream, int fd, const char *name, int64_t size, struct error *err)
{
	autofree char *chunk = memory_new(CHUNK);
	struct job *job = stream->link->patience.communicator->job;
	struct progress progress;

	progress_begin(&progress, job, "uploading", name, size);
	while (progress.done < size) {
		int64_t left = size - progress.done;
		ssize_t got = read(fd, chunk, left < CHUNK ? left : CHUNK);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(err, ERROR_BROKEN, "reading");
		if (got == 0)
			return fail(err, ERROR_CATALOG, "it became shorter while it was sent");
		if (stream_write(stream, chunk, got, err) < 0 ||
			progress_add(&progress, got, err) < 0)
			return -1;
	}
	if (say_yes(stream, err) < 0)
		return -1;
	return await_yes(stream, err);
}

/* scp wants the size before the content: what has none goes into a file first. */
static int size_of(int fd, int64_t *size, struct error *err)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return fail_errno(err, ERROR_BROKEN, "reading");
	if (!S_ISREG(status.st_mode))
		return fail(err, ERROR_CATALOG, "it is no plain file");
	*size = status.st_size - lseek(fd, 0, SEEK_CUR);
	return 0;
}

static int send_file(
	struct stream *stream, int fd, mode_t mode, const char *name, struct error *err)
{
	int64_t size;

	if (size_of(fd, &size, err) < 0 || send_record(stream, 'C', mode, size, name, err) < 0)
		return -1;
	return send_content(stream, fd, name, size, err);
}

/* The folder that it lies in, as scp is to be called; the caller frees. */
static char *parent_of(const char *destination)
{
	const char *slash = strrchr(destination, '/');

	if (!slash)
		return memory_copy_text(".");
	return slash == destination ? memory_copy_text("/")
	                            : memory_copy_bytes(destination, slash - destination);
}

static int upload(
	struct link *link, int fd, mode_t mode, const char *destination, struct error *err)
{
	autofree char *parent = parent_of(destination);
	const char *name = path_name(destination);
	struct stream stream = new_stream;

	int result = !*name ? fail(err, ERROR_CATALOG, "a file cannot be called %s", destination)
	                    : open_scp(&stream, link, "-p -d -t", parent, err);
	if (result == 0)
		result = await_yes(&stream, err);
	if (result == 0)
		result = send_file(&stream, fd, mode, name, err);
	if (result == 0)
		result = stream_finish(&stream, err);
	stream_close(&stream);
	return result < 0 ? fail_while(err, "uploading %s", destination) : 0;
}

struct upload {
	struct walk walk;
	struct stream stream;
};

static int enter(struct walk *walk, const char *path, mode_t mode, struct error *err)
{
	struct upload *upload = (struct upload *)walk;

	return send_record(&upload->stream, 'D', mode, 0, path_name(path), err);
}

static int leave(struct walk *walk, const char *path, mode_t mode, struct error *err)
{
	struct upload *upload = (struct upload *)walk;

	(void)path, (void)mode;
	if (stream_write(&upload->stream, "E\n", 2, err) < 0)
		return -1;
	return await_yes(&upload->stream, err);
}

static int send_entry(struct walk *walk, const char *path, int fd, mode_t mode, struct error *err)
{
	struct upload *upload = (struct upload *)walk;

	if (send_file(&upload->stream, fd, mode, path_name(path), err) < 0)
		return fail_while(err, "%s", path);
	return 0;
}

static int make_folder(struct link *link, const char *path, struct error *err)
{
	struct stream stream = {.program = "mkdir", .otherwise = "install it there"};
	CLEANUP(text_clear) struct text command = {0};

	text_add(&command, "mkdir -p -- ");
	quote_path(path, &command);
	int result = stream_open(&stream, link, text_get(&command), err);
	if (result == 0)
		result = stream_finish(&stream, err);
	stream_close(&stream);
	return result;
}

static int upload_folder(struct link *link, int folder, const char *destination, struct error *err)
{
	autofree struct upload *upload = memory_new(sizeof(*upload));

	*upload = (struct upload){{enter, leave, send_entry, folder, link}, new_stream};
	int result = make_folder(link, destination, err);
	if (result == 0)
		result = open_scp(&upload->stream, link, "-p -r -d -t", destination, err);
	if (result == 0)
		result = await_yes(&upload->stream, err);
	if (result == 0)
		result = walk_folder(&upload->walk, err);
	if (result == 0)
		result = stream_finish(&upload->stream, err);
	stream_close(&upload->stream);
	return result < 0 ? fail_while(err, "uploading to %s", destination) : 0;
}

/* ---- receiving ---- */

struct record {
	char kind; /* C, D, E; 0: the end of all */
	mode_t mode;
	int64_t size;
	struct text line;
	const char *name; /* inside of it */
};

static void record_clear(struct record *record)
{
	text_clear(&record->line);
}

static bool parse_record(struct record *record)
{
	const char *line = text_get(&record->line);
	char *end;

	record->kind = *line;
	if (*line == 'E')
		return true;
	if (*line != 'C' && *line != 'D')
		return false;
	record->mode = strtoul(line + 1, &end, 8) & 07777;
	if (end == line + 1 || *end != ' ')
		return false;
	record->size = strtoll(end + 1, &end, 10);
	if (record->size < 0 || *end != ' ')
		return false;
	record->name = end + 1;
	return strlen(line) == record->line.size;
}

/* The next record; times are passed over. The program's end, where it may end, is kind 0. */
static int next_record(struct stream *stream, struct record *record, struct error *err)
{
	for (;;) {
		text_reset(&record->line);
		if (read_line(stream, &record->line, err) < 0)
			return -1;
		const char *line = text_get(&record->line);
		if (*line == 1 || *line == 2)
			return fail_refused(stream, line + 1, err);
		if (*line != 'T')
			break;
		if (say_yes(stream, err) < 0)
			return -1;
	}
	if (parse_record(record))
		return 0;
	return fail(err, ERROR_CATALOG,
		"%s: in place of scp something else speaks ('%.100s'): does a login script print?",
		stream->link->name, text_get(&record->line));
}

static int receive_content(
	struct stream *stream, int fd, const char *name, int64_t size, struct error *err)
{
	struct job *job = stream->link->patience.communicator->job;
	autofree char *chunk = memory_new(CHUNK);
	struct progress progress;

	if (say_yes(stream, err) < 0)
		return -1;
	progress_begin(&progress, job, "downloading", name, size);
	while (progress.done < size) {
		int64_t left = size - progress.done;
		ssize_t got = stream_read(stream, chunk, left < CHUNK ? left : CHUNK, err);
		if (got < 0 || file_write_all(fd, chunk, got, err) < 0 ||
			progress_add(&progress, got, err) < 0)
			return -1;
	}
	if (await_yes(stream, err) < 0)
		return -1;
	return say_yes(stream, err);
}

static int download(struct link *link, const char *source, int fd, mode_t *mode, struct error *err)
{
	CLEANUP(record_clear) struct record record = {0};
	struct stream stream = new_stream;

	int result = open_scp(&stream, link, "-f", source, err);
	if (result == 0)
		result = say_yes(&stream, err);
	if (result == 0)
		result = next_record(&stream, &record, err);
	if (result == 0 && record.kind != 'C')
		result = fail(err, ERROR_CATALOG, "it is no plain file");
	if (result == 0)
		result = receive_content(&stream, fd, source, record.size, err);
	if (result == 0)
		result = stream_finish(&stream, err);
	stream_close(&stream);
	if (result < 0)
		return fail_while(err, "downloading %s", source);
	*mode = record.mode & 0777;
	return 0;
}

static int receive_one(
	struct stream *stream, const struct record *record, int folder, struct error *err)
{
	autoclose int fd = receive_file(folder, record->name, record->mode, err);

	return fd < 0 ? -1 : receive_content(stream, fd, record->name, record->size, err);
}

/* What stands between a folder's D, which was read and not yet answered, and its E, which is read and answered. */
static int receive_below(struct stream *stream, int folder, int depth, struct error *err)
{
	CLEANUP(record_clear) struct record record = {0};

	if (depth > FOLDERS_DEEP_MOST)
		return fail(err, ERROR_CATALOG, "more than %d folders in each other",
			FOLDERS_DEEP_MOST);
	if (say_yes(stream, err) < 0)
		return -1;
	for (;;) {
		if (next_record(stream, &record, err) < 0)
			return -1;
		if (record.kind == 'E')
			return say_yes(stream, err);
		if (record.kind == 'C') {
			if (receive_one(stream, &record, folder, err) < 0)
				return -1;
			continue;
		}
		autoclose int below = receive_folder(folder, record.name, record.mode, err);
		if (below < 0 || receive_below(stream, below, depth + 1, err) < 0)
			return -1;
	}
}

static int download_folder(struct link *link, const char *source, int folder, struct error *err)
{
	CLEANUP(record_clear) struct record record = {0};
	struct stream stream = new_stream;

	int result = open_scp(&stream, link, "-r -f", source, err);
	if (result == 0)
		result = say_yes(&stream, err);
	if (result == 0)
		result = next_record(&stream, &record, err);
	if (result == 0 && record.kind != 'D')
		result = fail(err, ERROR_CATALOG, "it is no folder");
	if (result == 0)
		result = receive_below(&stream, folder, 0, err);
	if (result == 0)
		result = stream_finish(&stream, err);
	stream_close(&stream);
	return result < 0 ? fail_while(err, "downloading %s", source) : 0;
}

const struct transfer transfer_scp = {upload, upload_folder, download, download_folder};
