/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/media/http_request.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"

enum { BAD_REQUEST = 400, NOT_ALLOWED = 405, BAD_VERSION = 505 };

void http_request_clear(struct http_request *request)
{
	free(request->path);
	free(request->if_range);
	free(request->if_changed);
	*request = (struct http_request){0};
}

size_t http_request_end(const char *bytes, size_t size)
{
	const char *line = bytes, *end;

	while ((end = memchr(line, '\n', bytes + size - line))) {
		bool empty = end == line || (end == line + 1 && *line == '\r');
		/* an empty line before the request is passed over with it */
		if (empty && line != bytes && (line != bytes + 1 || *bytes != '\r'))
			return end + 1 - bytes;
		if (empty && line == bytes && bytes + size > end + 1) {
			size_t rest = http_request_end(end + 1, bytes + size - end - 1);
			return rest ? rest + (end + 1 - bytes) : 0;
		}
		line = end + 1;
	}
	return 0;
}

/* ---- the target ---- */

/* The path in *PATH; false if an escape is broken or hides a NUL. */
static bool decode(const char *target, size_t size, char **path)
{
	CLEANUP(text_clear) struct text decoded = {0};

	for (size_t i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)target[i];
		if (byte == '%') {
			char pair[3] = {0};
			if (i + 2 >= size)
				return false;
			memcpy(pair, target + i + 1, 2);
			if (!digest_read_hex(pair, &byte, 1))
				return false;
			i += 2;
		}
		if (!byte)
			return false;
		text_add_char(&decoded, (char)byte);
	}
	*path = text_take(&decoded);
	return true;
}

static bool read_target(const char *target, size_t size, struct http_request *request)
{
	autofree char *path = NULL;

	/* as proxies are asked: the host does not matter */
	if (size > 7 && strncasecmp(target, "http://", 7) == 0) {
		const char *slash = memchr(target + 7, '/', size - 7);
		size = slash ? size - (slash - target) : 1;
		target = slash ? slash : "/";
	}
	const char *end = memchr(target, '?', size);
	if (!size || *target != '/' || !decode(target, end ? (size_t)(end - target) : size, &path))
		return false;
	request->path = path_clean(path);
	request->slash = text_ends_with(path, "/");
	return true;
}

/* "GET /path HTTP/1.1" */
static int read_line(const char *line, size_t size, struct http_request *request)
{
	const char *end = line + size;
	const char *target = memchr(line, ' ', size);
	const char *version = target ? memrchr(line, ' ', size) : NULL;

	if (!target || version == target || (size_t)(target - line) >= sizeof(request->method))
		return BAD_REQUEST;
	for (const char *p = line; p < target; p++)
		if (!isupper((unsigned char)*p))
			return BAD_REQUEST;
	memcpy(request->method, line, target - line);
	target++;
	if (end - version != strlen(" HTTP/1.1") || memcmp(version, " HTTP/", 6) != 0)
		return BAD_REQUEST;
	if (memcmp(version + 6, "1.0", 3) != 0 && memcmp(version + 6, "1.1", 3) != 0)
		return BAD_VERSION;
	request->keep = end[-1] == '1';
	for (const char *p = target; p < version; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7F)
			return BAD_REQUEST;
	if (!read_target(target, version - target, request))
		return BAD_REQUEST;
	request->head = strcmp(request->method, "HEAD") == 0;
	return request->head || strcmp(request->method, "GET") == 0 ? 0 : NOT_ALLOWED;
}

/* ---- headers ---- */

/* Digits up to END; -1 if there are none, or too many. */
static int64_t read_number(const char **at)
{
	const char *start = *at;
	char *end;

	errno = 0;
	if (!isdigit((unsigned char)*start))
		return -1;
	long long number = strtoll(start, &end, 10);
	*at = end;
	return errno ? -1 : number;
}

/* What is none that we know, or several, is passed over: then all is sent. */
static void read_range(const char *value, struct http_request *request)
{
	int64_t first = -1, last = -1;

	if (strncasecmp(value, "bytes=", 6) != 0)
		return;
	value += 6;
	if (*value != '-' && (first = read_number(&value)) < 0)
		return;
	if (*value++ != '-')
		return;
	if (*value && (last = read_number(&value)) < 0)
		return;
	if (*value || (first < 0 && last < 0) || (first >= 0 && last >= 0 && last < first))
		return;
	request->has_range = true;
	request->first = first;
	request->last = last;
}

static void read_header(const char *name, const char *value, struct http_request *request)
{
	if (strcasecmp(name, "Range") == 0)
		read_range(value, request);
	else if (strcasecmp(name, "If-Range") == 0 && !request->if_range)
		request->if_range = memory_copy_text(value);
	else if (strcasecmp(name, "If-Modified-Since") == 0 && !request->if_changed)
		request->if_changed = memory_copy_text(value);
	else if (strcasecmp(name, "Connection") == 0 && strcasestr(value, "close"))
		request->keep = false;
	else if (strcasecmp(name, "Connection") == 0 && strcasestr(value, "keep-alive"))
		request->keep = true;
}

/* Content that comes with a request is not read: behind it no other request can be found. */
static bool has_content(const char *name, const char *value)
{
	return strcasecmp(name, "Transfer-Encoding") == 0 ||
	       (strcasecmp(name, "Content-Length") == 0 && strcmp(value, "0") != 0);
}

static bool is_name(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("!#$%&'*+-.^_`|~", *p))
			return false;
	return *name != '\0';
}

static bool read_headers(const char *at, const char *end, struct http_request *request)
{
	bool content = false;

	for (const char *next; at < end; at = next) {
		const char *line_end = memchr(at, '\n', end - at);
		next = line_end ? line_end + 1 : end;
		size_t size = (line_end ? line_end : end) - at;
		size -= size && at[size - 1] == '\r';
		if (!size)
			break;
		const char *colon = memchr(at, ':', size);
		if (!colon || memchr(at, '\0', size))
			return false;
		autofree char *name = memory_copy_bytes(at, colon - at);
		const char *start = colon + 1, *stop = at + size;
		while (start < stop && isblank((unsigned char)*start))
			start++;
		while (stop > start && isblank((unsigned char)stop[-1]))
			stop--;
		autofree char *value = memory_copy_bytes(start, stop - start);
		if (!is_name(name))
			return false;
		read_header(name, value, request);
		content |= has_content(name, value);
	}
	request->keep = request->keep && !content;
	return true;
}

int http_request_read(const char *head, size_t size, struct http_request *request)
{
	const char *end = head + size;

	*request = (struct http_request){.first = -1, .last = -1};
	while (head < end && (*head == '\r' || *head == '\n'))
		head++;
	const char *line_end = memchr(head, '\n', end - head);
	if (!line_end)
		return BAD_REQUEST;
	size_t line = line_end - head;
	line -= line && head[line - 1] == '\r';
	int status = read_line(head, line, request);
	if (status == 0 && !read_headers(line_end + 1, end, request))
		status = BAD_REQUEST;
	if (status)
		request->keep = false;
	return status;
}
