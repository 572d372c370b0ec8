/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/moment.h"

enum { JOURNAL_SIZE_MOST = 64 * 1024 * 1024 };

/* POSIX locks belong to the process alone: what a worker forks does not keep them, and F_GETLK says whose they are. */
static const struct flock whole_file = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

int journal_open(int folder, struct journal *journal, struct error *err)
{
	struct flock lock = whole_file;

	journal->fd = openat(folder, "journal", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (journal->fd < 0)
		return fail_errno(err, ERROR_BROKEN, "the journal");
	if (fcntl(journal->fd, F_SETLK, &lock) == 0)
		return folder_sync(folder, ".", err);
	if (errno != EACCES && errno != EAGAIN)
		return fail_errno(err, ERROR_BROKEN, "the journal");
	journal_close(journal);
	return fail(err, ERROR_CONFLICT, "another worker is at this build");
}

void journal_close(struct journal *journal)
{
	if (journal->fd >= 0)
		close(journal->fd);
	journal->fd = -1;
}

int journal_add(struct journal *journal, const char *event, struct json *details, struct error *err)
{
	autojson struct json *entry = json_new_object();
	CLEANUP(text_clear) struct text line = {0};
	char time[MOMENT_TEXT_SIZE];

	json_set_text(entry, "time", moment_text(moment_now_usec(), time));
	json_set_text(entry, "event", event);
	json_each_member (member, details)
		json_set(entry, member.key, json_copy(member.value));
	json_free(details);
	json_write(entry, JSON_LINE, &line);
	text_add_char(&line, '\n');
	if (file_write_all(journal->fd, line.data, line.size, err) < 0)
		return fail_while(err, "the journal");
	if (fdatasync(journal->fd) < 0)
		return fail_errno(err, ERROR_BROKEN, "the journal cannot be made lasting");
	return 0;
}

pid_t journal_owner(int folder)
{
	struct flock lock = whole_file;
	autoclose int fd = openat(folder, "journal", O_RDONLY | O_CLOEXEC);

	lock.l_type = F_RDLCK;
	if (fd < 0 || fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid;
}

static void read_lines(const char *text, struct json *entries)
{
	for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		struct json *entry = NULL;
		struct error ignored;
		if (json_parse_bytes(line, end - line, &entry, &ignored) == 0)
			json_add(entries, entry);
	}
}

int journal_read(int folder, struct json **entries, struct error *err)
{
	autofree char *text = NULL;
	size_t size = 0;

	*entries = json_new_list();
	if (!file_exists(folder, "journal"))
		return 0;
	if (file_read(folder, "journal", JOURNAL_SIZE_MOST, &text, &size, err) < 0) {
		json_free(TAKE(*entries));
		return -1;
	}
	read_lines(text, *entries);
	return 0;
}

int journal_read_own(const struct journal *journal, struct json **entries, struct error *err)
{
	CLEANUP(text_clear) struct text text = {0};

	if (lseek(journal->fd, 0, SEEK_SET) < 0)
		return fail_errno(err, ERROR_BROKEN, "the journal");
	if (file_read_fd(journal->fd, JOURNAL_SIZE_MOST, &text, err) < 0)
		return fail_while(err, "the journal");
	*entries = json_new_list();
	read_lines(text_get(&text), *entries);
	return 0;
}

const struct json *journal_find_last(const struct json *entries, const char *event)
{
	for (size_t i = json_count(entries); i--;)
		if (strcmp(json_get_text(json_item(entries, i), "event", ""), event) == 0)
			return json_item(entries, i);
	return NULL;
}
