/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/fetch/url.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/text.h"

static const struct {
	const char *name;
	int port;
} schemes[REMOTE_SCHEME_COUNT] = {
	[REMOTE_NONE] = {"", 0},
	[REMOTE_FILE] = {"file", 0},
	[REMOTE_HTTPS] = {"https", 443},
	[REMOTE_HTTP] = {"http", 80},
	[REMOTE_SSH] = {"ssh", 22},
	[REMOTE_GIT] = {"git", 9418},
};

const char *remote_scheme_name(enum remote_scheme scheme)
{
	return schemes[scheme].name;
}

void remote_url_clear(struct remote_url *url)
{
	free(url->user);
	free(url->host);
	free(url->path);
	free(url->call);
	free(url->shown);
	*url = (struct remote_url){0};
}

/* The colon of USER@HOST:PATH, or NULL where TEXT is not of that form. An IPv6 address stands in brackets. */
static const char *find_scp_colon(const char *text)
{
	const char *bracket = strchr(text, '['), *slash = strchr(text, '/');
	const char *from = text;

	if (text[0] == '/' || text[0] == '.' || text[0] == '~' || strstr(text, "://"))
		return NULL;
	if (bracket && (bracket == text || bracket[-1] == '@') && strchr(bracket, ']'))
		from = strchr(bracket, ']');
	const char *colon = strchr(from, ':');
	return colon && colon > text && (!slash || colon < slash) ? colon : NULL;
}

bool remote_url_is_remote(const char *text)
{
	return !text_starts_with(text, "file://") && (strstr(text, "://") || find_scp_colon(text));
}

/* The caller frees. */
static char *undo_escapes(const char *text, size_t size)
{
	struct text plain = {0};

	for (size_t i = 0; i < size; i++) {
		char hex[3] = {0}, byte;
		if (text[i] == '%' && i + 2 < size)
			memcpy(hex, text + i + 1, 2);
		if (hex[0] && digest_read_hex(hex, &byte, 1)) {
			text_add_char(&plain, byte);
			i += 2;
		} else {
			text_add_char(&plain, text[i]);
		}
	}
	return text_take(&plain);
}

static int read_port(const char *text, size_t size, struct remote_url *url, struct error *err)
{
	int port = 0;

	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9' || port > 65535)
			return fail(err, ERROR_CATALOG, "the url's port '%.*s' is no number",
				(int)size, text);
		port = port * 10 + (text[i] - '0');
	}
	if (size && (port < 1 || port > 65535))
		return fail(err, ERROR_CATALOG, "the url's port must be 1 to 65535");
	if (size)
		url->port = port;
	return 0;
}

/* [USER[:PASSWORD]@]HOST[:PORT], SIZE bytes. A name of an ssh host may be written in brackets too. */
static int read_authority(const char *text, size_t size, struct remote_url *url, struct error *err)
{
	const char *at = memrchr(text, '@', size), *end = text + size;
	const char *host = at ? at + 1 : text, *host_end = end;

	if (at && memchr(text, ':', at - text))
		return fail(err, ERROR_CATALOG,
			"the url has a password in it: put it into a file, and name that as "
			"credentials.password_file");
	if (at > text)
		url->user = undo_escapes(text, at - text);
	if (host < end && *host == '[') {
		host++;
		host_end = memchr(host, ']', end - host);
		if (!host_end || (host_end + 1 < end && host_end[1] != ':'))
			return fail(err, ERROR_CATALOG, "the url's host has a '[' alone");
		if (host_end + 1 < end && read_port(host_end + 2, end - host_end - 2, url, err) < 0)
			return -1;
	} else {
		const char *colon = host < end ? memchr(host, ':', end - host) : NULL;
		if (colon) {
			host_end = colon;
			if (read_port(colon + 1, end - colon - 1, url, err) < 0)
				return -1;
		}
	}
	if (host == host_end || *host == '-')
		return fail(err, ERROR_CATALOG, "the url names no host");
	url->host = memory_copy_bytes(host, host_end - host);
	return 0;
}

static void add_host(const struct remote_url *url, struct text *text)
{
	if (strchr(url->host, ':'))
		text_addf(text, "[%s]", url->host);
	else
		text_add(text, url->host);
	if (url->port != schemes[url->scheme].port)
		text_addf(text, ":%d", url->port);
}

/* What libgit2 is given, and what people see. */
static void write_forms(struct remote_url *url, bool scp)
{
	struct text call = {0}, shown = {0};

	if (url->scheme == REMOTE_FILE) {
		url->call = memory_copy_text(url->path);
		url->shown = memory_copy_text(url->path);
		return;
	}
	text_addf(&shown, "%s://", schemes[url->scheme].name);
	add_host(url, &shown);
	text_addf(&shown, "%s%.*s", scp ? "/" : "", (int)strcspn(url->path, "?#"), url->path);
	if (scp) { /* a path that does not begin at the root: no url can say it */
		text_addf(&call, "%s%s", url->user ? url->user : "", url->user ? "@" : "");
		add_host(url, &call);
		text_addf(&call, ":%s", url->path);
	} else {
		text_addf(&call, "%s://", schemes[url->scheme].name);
		if (url->user && url->scheme == REMOTE_SSH)
			text_addf(&call, "%s@", url->user);
		add_host(url, &call);
		text_add(&call, url->path);
	}
	url->call = text_take(&call);
	url->shown = text_take(&shown);
}

static int parse_file(const char *path, struct remote_url *url, struct error *err)
{
	url->scheme = REMOTE_FILE;
	if (text_starts_with(path, "file://")) {
		path += strlen("file://");
		if (text_starts_with(path, "localhost/"))
			path += strlen("localhost");
		url->path = undo_escapes(path, strlen(path));
	} else {
		url->path = memory_copy_text(path);
	}
	if (url->path[0] != '/')
		return fail(err, ERROR_CATALOG, "the path '%s' is not absolute", url->path);
	write_forms(url, false);
	return 0;
}

static int parse_scp(const char *text, const char *colon, struct remote_url *url, struct error *err)
{
	url->scheme = REMOTE_SSH;
	url->port = schemes[REMOTE_SSH].port;
	if (read_authority(text, colon - text, url, err) < 0)
		return -1;
	url->path = memory_copy_text(colon + 1);
	if (!*url->path)
		return fail(err, ERROR_CATALOG, "the url names no repository of %s", url->host);
	write_forms(url, true);
	return 0;
}

static int parse_scheme(const char *text, struct remote_url *url, struct error *err)
{
	size_t size = strstr(text, "://") - text;
	const char *authority = text + size + 3;
	size_t authority_size = strcspn(authority, "/?#");

	for (enum remote_scheme scheme = REMOTE_FILE; scheme < REMOTE_SCHEME_COUNT; scheme++)
		if (strlen(schemes[scheme].name) == size &&
			strncasecmp(text, schemes[scheme].name, size) == 0)
			url->scheme = scheme;
	if (url->scheme == REMOTE_NONE)
		return fail(err, ERROR_CATALOG,
			"the url's scheme %.*s is none of https, ssh, git, http and file",
			(int)size, text);
	url->port = schemes[url->scheme].port;
	if (read_authority(authority, authority_size, url, err) < 0)
		return -1;
	url->path = memory_copy_text(authority + authority_size);
	if (url->path[0] != '/' || !url->path[1])
		return fail(err, ERROR_CATALOG, "the url names no repository of %s", url->host);
	write_forms(url, false);
	return 0;
}

static int parse(const char *text, struct remote_url *url, struct error *err)
{
	const char *colon = find_scp_colon(text);

	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return fail(err, ERROR_CATALOG, "the url has a control character in it");
	if (text_starts_with(text, "file://") || (!strstr(text, "://") && !colon))
		return parse_file(text, url, err);
	if (colon)
		return parse_scp(text, colon, url, err);
	return parse_scheme(text, url, err);
}

int remote_url_parse(const char *text, struct remote_url *url, struct error *err)
{
	struct remote_url parsed = {0};
	int result = parse(text, &parsed, err);

	/* libgit2 puts the path between single quotes and hands that to the shell of the remote */
	if (result == 0 && parsed.scheme == REMOTE_SSH && strchr(parsed.path, '\''))
		result = fail(err, ERROR_CATALOG, "the url's path has a single quote in it");
	if (result == 0 && parsed.user && strpbrk(parsed.user, "@/:?#"))
		result = fail(err, ERROR_CATALOG, "the url's user has one of @ / : ? # in it");
	if (result < 0)
		remote_url_clear(&parsed);
	else
		*url = parsed;
	return result;
}
