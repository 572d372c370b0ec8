/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/media/http_answer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/strings.h"

enum { DATE_SIZE = 40, SNIFF_SIZE = 512, LISTED_MOST = 10000 };

static const struct {
	int status;
	const char *words;
} statuses[] = {
	{200, "OK"},
	{206, "Partial Content"},
	{301, "Moved Permanently"},
	{304, "Not Modified"},
	{400, "Bad Request"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{408, "Request Timeout"},
	{416, "Range Not Satisfiable"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{505, "HTTP Version Not Supported"},
};

#define TEXT_PLAIN "text/plain; charset=utf-8"
#define TEXT_HTML "text/html; charset=utf-8"

static const struct {
	const char *extension, *type;
} types[] = {
	{".css", "text/css; charset=utf-8"},
	{".gif", "image/gif"},
	{".gz", "application/gzip"},
	{".htm", TEXT_HTML},
	{".html", TEXT_HTML},
	{".jpeg", "image/jpeg"},
	{".jpg", "image/jpeg"},
	{".js", "text/javascript; charset=utf-8"},
	{".json", "application/json"},
	{".pdf", "application/pdf"},
	{".png", "image/png"},
	{".svg", "image/svg+xml"},
	{".txt", TEXT_PLAIN},
	{".xml", "text/xml; charset=utf-8"},
	{".zip", "application/zip"},
};

void http_answer_clear(struct http_answer *answer)
{
	text_clear(&answer->bytes);
	cleanup_close(&answer->fd);
	*answer = (struct http_answer){.fd = -1};
}

/* ---- heads ---- */

static const char *http_date(time_t seconds, char text[static DATE_SIZE])
{
	struct tm tm;

	gmtime_r(&seconds, &tm);
	/* the names of days and months are those of the C locale: only LC_CTYPE is ever set */
	strftime(text, DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	return text;
}

static void begin(struct http_answer *answer, int status, bool keep)
{
	const char *words = "";
	char date[DATE_SIZE];

	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
		if (statuses[i].status == status)
			words = statuses[i].words;
	*answer = (struct http_answer){.status = status, .fd = -1};
	text_addf(&answer->bytes,
		"HTTP/1.1 %d %s\r\nServer: kiln\r\nDate: %s\r\nConnection: %s\r\n", status, words,
		http_date(time(NULL), date), keep ? "keep-alive" : "close");
}

/* What is short enough to be in the answer itself. */
static void end_with(
	struct http_answer *answer, const char *type, const struct text *content, bool head)
{
	answer->size = (int64_t)content->size;
	text_addf(&answer->bytes, "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n", type,
		content->size);
	if (!head)
		text_add_bytes(&answer->bytes, text_get(content), content->size);
}

void http_answer_refuse(int status, bool keep, struct http_answer *answer)
{
	CLEANUP(text_clear) struct text content = {0};

	begin(answer, status, keep);
	const char *words = text_get(&answer->bytes) + strlen("HTTP/1.1 ");
	text_addf(&content, "%.*s\n", (int)strcspn(words, "\r"), words);
	if (status == 405)
		text_add(&answer->bytes, "Allow: GET, HEAD\r\n");
	end_with(answer, TEXT_PLAIN, &content, false);
}

static void refuse(int status, const struct http_request *request, struct http_answer *answer)
{
	http_answer_refuse(status, request->keep, answer);
	/* the length that the content would have, and none of it */
	if (request->head)
		answer->bytes.size =
			strstr(answer->bytes.data, "\r\n\r\n") + 4 - answer->bytes.data;
}

/* All but what is always meant as it stands. */
static void add_escaped_url(struct text *out, const char *path)
{
	for (const char *p = path; *p; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		             (*p >= '0' && *p <= '9') || strchr("-._~/", *p);
		if (plain)
			text_add_char(out, *p);
		else
			text_addf(out, "%%%02X", (unsigned char)*p);
	}
}

static void redirect(const struct http_request *request, const char *path, const char *suffix,
	struct http_answer *answer)
{
	struct text nothing = {0};

	begin(answer, 301, request->keep);
	text_add(&answer->bytes, "Location: ");
	add_escaped_url(&answer->bytes, path);
	text_addf(&answer->bytes, "%s\r\n", suffix);
	end_with(answer, TEXT_HTML, &nothing, request->head);
}

/* ---- files ---- */

/* Text that has no control bytes is text: kickstart and preseed files have all kinds of names. */
static const char *sniff(int fd)
{
	unsigned char bytes[SNIFF_SIZE];
	ssize_t size = pread(fd, bytes, sizeof(bytes), 0);

	for (ssize_t i = 0; i < size; i++)
		if (bytes[i] < ' ' && !strchr("\t\n\f\r\033", bytes[i]))
			return "application/octet-stream";
	for (ssize_t i = 0; i < size; i++)
		if (!bytes[i])
			return "application/octet-stream";
	return TEXT_PLAIN;
}

static const char *type_of(const char *name, int fd)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(*types); i++)
		if (text_equal_case(dot, types[i].extension))
			return types[i].type;
	return sniff(fd);
}

/* What is asked for of SIZE bytes; false if there is nothing of it. */
static bool cut_range(
	const struct http_request *request, int64_t size, int64_t *from, int64_t *count)
{
	int64_t first = request->first, last = request->last;

	if (first < 0) {
		if (last == 0)
			return false;
		first = last > size ? 0 : size - last;
		last = -1;
	}
	if (first >= size)
		return false;
	if (last < 0 || last >= size)
		last = size - 1;
	*from = first;
	*count = last - first + 1;
	return true;
}

static void answer_range(
	const struct http_request *request, int64_t size, struct http_answer *answer)
{
	if (!cut_range(request, size, &answer->from, &answer->left)) {
		refuse(416, request, answer);
		return;
	}
	int64_t from = answer->from, left = answer->left;
	begin(answer, 206, request->keep);
	answer->from = from;
	answer->left = left;
	text_addf(&answer->bytes, "Content-Range: bytes %lld-%lld/%lld\r\n", (long long)from,
		(long long)(from + left - 1), (long long)size);
}

/* FD is taken over. */
static void answer_file(const struct http_request *request, const char *name, int fd,
	const struct stat *status, struct http_answer *answer)
{
	autoclose int file = fd;
	char changed[DATE_SIZE];

	http_date(status->st_mtim.tv_sec, changed);
	if (request->if_changed && strcmp(request->if_changed, changed) == 0) {
		begin(answer, 304, request->keep);
		text_addf(&answer->bytes, "Last-Modified: %s\r\n\r\n", changed);
		return;
	}
	if (request->has_range && (!request->if_range || strcmp(request->if_range, changed) == 0)) {
		answer_range(request, status->st_size, answer);
		if (answer->status == 416)
			return;
	} else {
		begin(answer, 200, request->keep);
		answer->left = status->st_size;
	}
	answer->size = answer->left;
	text_addf(&answer->bytes,
		"Content-Type: %s\r\nContent-Length: %lld\r\nLast-Modified: %s\r\nAccept-Ranges: "
		"bytes\r\n\r\n",
		type_of(name, file), (long long)answer->left, changed);
	if (request->head)
		answer->left = 0;
	else
		answer->fd = TAKE_FD(file);
}

/* ---- folders ---- */

static void add_escaped_html(struct text *out, const char *text)
{
	for (const char *p = text; *p; p++)
		switch (*p) {
		case '&':
			text_add(out, "&amp;");
			break;
		case '<':
			text_add(out, "&lt;");
			break;
		case '>':
			text_add(out, "&gt;");
			break;
		case '"':
			text_add(out, "&#34;");
			break;
		case '\'':
			text_add(out, "&#39;");
			break;
		default:
			text_add_char(out, *p);
		}
}

static void answer_list(const struct http_request *request, int folder, struct http_answer *answer)
{
	CLEANUP(strings_clear) struct strings names = {0};
	CLEANUP(text_clear) struct text list = {0};
	struct error ignored;

	if (folder_list(folder, ".", &names, &ignored) < 0 || names.count > LISTED_MOST) {
		refuse(500, request, answer);
		return;
	}
	text_add(&list, "<pre>\n");
	strings_each (name, &names) {
		struct stat status;
		bool inner = fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		             S_ISDIR(status.st_mode);
		/* "./" lest a colon in a name looks like a scheme */
		text_add(&list, strchr(name, ':') ? "<a href=\"./" : "<a href=\"");
		add_escaped_url(&list, name);
		text_add(&list, inner ? "/\">" : "\">");
		add_escaped_html(&list, name);
		text_add(&list, inner ? "/</a>\n" : "</a>\n");
	}
	text_add(&list, "</pre>\n");
	begin(answer, 200, request->keep);
	end_with(answer, TEXT_HTML, &list, request->head);
}

static void answer_folder(
	const struct http_request *request, int folder, struct http_answer *answer)
{
	struct stat status;
	int index = file_open_beneath(folder, "index.html", O_RDONLY, 0);

	if (index >= 0 && fstat(index, &status) == 0 && S_ISREG(status.st_mode)) {
		answer_file(request, "index.html", index, &status, answer);
		return;
	}
	cleanup_close(&index);
	answer_list(request, folder, answer);
}

/* EXDEV: a link leads out; ENXIO: it is no file. */
static int status_of_errno(int number)
{
	switch (number) {
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
		return 404;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return 500;
	default:
		return 403;
	}
}

void http_answer_make(int folder, const struct http_request *request, struct http_answer *answer)
{
	const char *path = request->path;
	bool root = strcmp(path, "/") == 0;
	struct stat status;

	if (!request->slash && strcmp(path_name(path), "index.html") == 0) {
		autofree char *above = path_folder(path);
		redirect(request, above, "/", answer);
		return;
	}
	autoclose int fd = file_open_beneath(folder, path + 1, O_RDONLY, 0);
	if (fd < 0 || fstat(fd, &status) < 0)
		refuse(status_of_errno(errno), request, answer);
	else if (S_ISDIR(status.st_mode) && !request->slash)
		redirect(request, path, "/", answer);
	else if (S_ISDIR(status.st_mode))
		answer_folder(request, fd, answer);
	else if (request->slash && !root)
		redirect(request, path, "", answer);
	else
		answer_file(request, path_name(path), TAKE_FD(fd), &status, answer);
}
