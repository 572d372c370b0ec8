/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/media/checksum.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/strings.h"
#include "base/text.h"

/* ---- as templates write it ---- */

/* The kind whose hexadecimal form has SIZE digits. */
static enum digest_kind kind_of_size(size_t size)
{
	for (enum digest_kind kind = 0; kind < DIGEST_KIND_COUNT; kind++)
		if (digest_kind_size(kind) * 2 == size)
			return kind;
	return DIGEST_KIND_COUNT;
}

static enum digest_kind kind_of_name(const char *name, size_t size)
{
	autofree char *lower = memory_copy_bytes(name, size);

	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return digest_kind_find(lower);
}

static bool read_hex(const char *hex, enum digest_kind kind, struct checksum *checksum)
{
	if (kind == DIGEST_KIND_COUNT ||
		!digest_read_hex(hex, checksum->bytes, digest_kind_size(kind)))
		return false;
	checksum->form = CHECKSUM_DIGEST;
	checksum->kind = kind;
	return true;
}

int checksum_parse(const char *text, const char *name, struct checksum *checksum, struct error *err)
{
	const char *colon = strchr(text, ':');

	*checksum = (struct checksum){.form = CHECKSUM_NONE};
	if (strcmp(text, "none") == 0)
		return 0;
	if (text_starts_with(text, "file:") && text[strlen("file:")]) {
		checksum->form = CHECKSUM_FILE;
		checksum->file = text + strlen("file:");
		return 0;
	}
	enum digest_kind kind =
		colon ? kind_of_name(text, colon - text) : kind_of_size(strlen(text));
	if (read_hex(colon ? colon + 1 : text, kind, checksum))
		return 0;
	if (colon && kind != DIGEST_KIND_COUNT)
		return fail(err, ERROR_CATALOG, "%s: '%s' has not the %zu hexadecimal digits of %s",
			name, text, digest_kind_size(kind) * 2, digest_kind_name(kind));
	return fail(err, ERROR_CATALOG,
		"%s: '%s' is none of HEX, TYPE:HEX (TYPE being md5, sha1, sha256 or sha512), "
		"file:URL and none",
		name, text);
}

bool checksum_equal(const struct checksum *a, const struct checksum *b)
{
	return a->form == CHECKSUM_DIGEST && b->form == CHECKSUM_DIGEST && a->kind == b->kind &&
	       memcmp(a->bytes, b->bytes, digest_kind_size(a->kind)) == 0;
}

const char *checksum_text(const struct checksum *checksum, char text[static CHECKSUM_TEXT_SIZE])
{
	char hex[2 * CHECKSUM_SIZE_MOST + 1];

	if (checksum->form == CHECKSUM_NONE)
		return strcpy(text, "none");
	if (checksum->form == CHECKSUM_FILE) {
		snprintf(text, CHECKSUM_TEXT_SIZE, "file:%s", checksum->file);
		return text;
	}
	digest_write_hex(checksum->bytes, digest_kind_size(checksum->kind), hex);
	snprintf(text, CHECKSUM_TEXT_SIZE, "%s:%s", digest_kind_name(checksum->kind), hex);
	return text;
}

/* ---- files of sums ---- */

/* One line: its digest, and the name it is of; "" if it has none. */
struct sum {
	struct checksum checksum;
	char *name;
};

/* "SHA256 (NAME) = HEX" */
static bool read_bsd(const char *line, struct sum *sum)
{
	const char *open = strstr(line, " ("), *close = NULL;

	/* a name may hold brackets: the last that is followed by " = " ends it */
	for (const char *p = open; p && (p = strstr(p, ") = ")); p++)
		close = p;
	if (!open || !close || close <= open + 2)
		return false;
	enum digest_kind kind = kind_of_name(line, open - line);
	if (!read_hex(close + strlen(") = "), kind, &sum->checksum))
		return false;
	sum->name = memory_copy_bytes(open + 2, close - open - 2);
	return true;
}

/* "HEX  NAME", "HEX *NAME", or "HEX" alone. */
static bool read_gnu(const char *line, struct sum *sum)
{
	size_t digits = strspn(line, "0123456789abcdefABCDEF");
	autofree char *hex = memory_copy_bytes(line, digits);
	const char *name = line + digits;

	if ((*name && !isblank((unsigned char)*name)) ||
		!read_hex(hex, kind_of_size(digits), &sum->checksum))
		return false;
	name += strspn(name, " \t");
	/* of the binary mode, and of `shasum --portable` */
	if (*name == '*' || *name == '?')
		name++;
	sum->name = memory_copy_text(name);
	return true;
}

/* Percent-decoded; what is no escape stays as it is. */
static char *decode(const char *text, size_t size)
{
	struct text decoded = {0};
	unsigned char byte;

	for (size_t i = 0; i < size; i++) {
		char pair[3] = {0};
		if (text[i] == '%' && i + 2 < size)
			memcpy(pair, text + i + 1, 2);
		if (pair[0] && digest_read_hex(pair, &byte, 1) && byte) {
			text_add_char(&decoded, (char)byte);
			i += 2;
		} else {
			text_add_char(&decoded, text[i]);
		}
	}
	return text_take(&decoded);
}

/* What stands behind the host in a URL, without the query; a path as it is. */
static char *path_of(const char *url)
{
	const char *scheme = strstr(url, "://");

	if (!scheme)
		return memory_copy_text(url);
	const char *host = scheme + strlen("://");
	const char *path = host + strcspn(host, "/?#");
	return decode(path, strcspn(path, "?#"));
}

static bool is_name_of(const char *name, const char *path, const char *sums_path)
{
	autofree char *folder = path_folder(sums_path), *clean = path_clean(name);
	autofree char *beside = path_join(folder, clean), *whole = path_clean(path);

	return strcmp(clean, path_name(whole)) == 0 || strcmp(beside, whole) == 0;
}

bool checksum_find(const char *sums, const char *sums_url, const char *url, struct checksum *found)
{
	autofree char *path = path_of(url), *sums_path = path_of(sums_url);
	CLEANUP(strings_clear) struct strings lines = {0};

	strings_split(&lines, sums, '\n');
	strings_each (line, &lines) {
		struct sum sum = {0};
		line += strspn(line, " \t");
		line[strcspn(line, "\r")] = '\0';
		for (size_t size = strlen(line); size && isblank((unsigned char)line[size - 1]);)
			line[--size] = '\0';
		if (!read_bsd(line, &sum) && !read_gnu(line, &sum))
			continue;
		bool fits = !*sum.name || is_name_of(sum.name, path, sums_path);
		free(sum.name);
		if (fits) {
			*found = sum.checksum;
			return true;
		}
	}
	return false;
}
