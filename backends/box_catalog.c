/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/box_catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "backends/late_archive.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

enum { SUMS_SIZE_MOST = 64 * 1024 * 1024, BOX_METADATA_MOST = 1024 * 1024 };

#define METADATA "metadata.json"

struct boxes {
	struct job *job;
	int image;
	const struct catalog_place *place;
	struct json *before;    /* the metadata.json that is there, or NULL */
	struct json *providers; /* sha256 -> what `before` says of that box */
};

/* ---- what is in a box ---- */

/* The box's own metadata.json; NULL if it is no box. */
static struct json *read_entries(struct archive *archive)
{
	struct archive_entry *entry;
	struct json *metadata = NULL;
	struct error ignored;

	while (late_archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
		const char *name = late_archive_entry_pathname(entry);
		int64_t size = late_archive_entry_size(entry);
		if (!name || strcmp(name + (strncmp(name, "./", 2) == 0 ? 2 : 0), METADATA) != 0)
			continue;
		if (size <= 0 || size > BOX_METADATA_MOST)
			return NULL;
		autofree char *text = memory_new((size_t)size + 1);
		if (late_archive_read_data(archive, text, (size_t)size) != size ||
			json_parse_bytes(text, (size_t)size, &metadata, &ignored) < 0)
			return NULL;
		return metadata;
	}
	return NULL;
}

static struct json *read_box(int fd)
{
	struct json *metadata = NULL;
	struct error ignored;

	if (late_load_archive(&ignored) < 0)
		return NULL;
	struct archive *archive = late_archive_read_new();

	late_archive_read_support_filter_gzip(archive);
	late_archive_read_support_filter_xz(archive);
	late_archive_read_support_filter_zstd(archive);
	late_archive_read_support_format_tar(archive);
	if (late_archive_read_open_fd(archive, fd, 64 * 1024) == ARCHIVE_OK)
		metadata = read_entries(archive);
	late_archive_read_free(archive);
	return metadata;
}

/* {"name", "architecture"} of the box's provider; NULL if it is no box. The caller frees. */
static struct json *find_provider(struct boxes *boxes, const char *path, const char *sha256)
{
	const struct json *known = json_get(boxes->providers, sha256);

	if (known)
		return json_copy(known);
	autoclose int fd = openat(boxes->image, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	autojson struct json *metadata = fd < 0 ? NULL : read_box(fd);
	const char *name = json_get_text(metadata, "provider", NULL);
	const char *architecture = json_get_text(metadata, "architecture", NULL);
	if (!name || !*name) {
		build_log_say(&boxes->job->log,
			"%s is no box of Vagrant's (it has no metadata.json that names a "
			"provider): " METADATA " leaves it out",
			path);
		return NULL;
	}
	struct json *provider = json_new_object();
	json_set_text(provider, "name", name);
	if (architecture)
		json_set_text(provider, "architecture", architecture);
	return provider;
}

/* What the file that is there says of boxes, so that none of them is read again. */
static void read_before(struct boxes *boxes)
{
	autofree char *text = NULL;
	struct error ignored;
	size_t size;

	boxes->providers = json_new_object();
	if (file_read(boxes->image, METADATA, SUMS_SIZE_MOST, &text, &size, &ignored) < 0 ||
		json_parse_bytes(text, size, &boxes->before, &ignored) < 0)
		return;
	const struct json *versions = json_get(boxes->before, "versions");
	for (size_t v = 0; v < json_count(versions); v++) {
		const struct json *list = json_get(json_item(versions, v), "providers");
		for (size_t p = 0; p < json_count(list); p++) {
			struct json *known = json_copy(json_item(list, p));
			json_remove(known, "url");
			json_remove(known, "checksum_type");
			json_remove(known, "checksum");
			if (json_get_text(known, "name", NULL))
				json_set(boxes->providers,
					json_get_text(json_item(list, p), "checksum", ""), known);
			else
				json_free(known);
		}
	}
}

static void boxes_clear(struct boxes *boxes)
{
	json_free(boxes->before);
	json_free(boxes->providers);
}

/* ---- what is to be said ---- */

/* As a part of a URL: what may not stand there is written as %XX. */
static void add_escaped(const char *path, struct text *url)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";

	for (; *path; path++)
		if (strchr(plain, *path))
			text_add_char(url, *path);
		else
			text_addf(url, "%%%02X", (unsigned char)*path);
}

/* Vagrant takes no relative URLs: the catalog's own, or the file on this machine. */
static char *make_url(const struct boxes *boxes, const char *path)
{
	const struct catalog_place *place = boxes->place;
	struct text url = {0};

	text_add(&url, *place->url ? place->url : "file://");
	while (url.size && *place->url && url.data[url.size - 1] == '/')
		url.data[--url.size] = '\0';
	if (!*place->url)
		add_escaped(place->path, &url);
	text_add_char(&url, '/');
	add_escaped(place->image, &url);
	text_add_char(&url, '/');
	add_escaped(path, &url);
	return text_take(&url);
}

static bool has_provider(const struct json *providers, const char *name)
{
	for (size_t i = 0; i < json_count(providers); i++)
		if (strcmp(json_get_text(json_item(providers, i), "name", ""), name) == 0)
			return true;
	return false;
}

static void add_box(
	struct boxes *boxes, const char *path, const char *sha256, struct json *providers)
{
	struct json *provider = find_provider(boxes, path, sha256);

	if (!provider)
		return;
	if (has_provider(providers, json_get_text(provider, "name", ""))) {
		build_log_say(&boxes->job->log,
			"%s is a second box for %s: " METADATA " leaves it out", path,
			json_get_text(provider, "name", ""));
		json_free(provider);
		return;
	}
	autofree char *url = make_url(boxes, path);
	json_set_text(provider, "url", url);
	json_set_text(provider, "checksum_type", "sha256");
	json_set_text(provider, "checksum", sha256);
	json_add(providers, provider);
}

/* A line of SHA256SUMS, "HEX  files/NAME"; one whose name had to be escaped begins with a backslash and is no box's. */
static void add_line(struct boxes *boxes, long long number, char *line, struct json *providers)
{
	static const char between[] = "  files/";
	char *name = line + 2 * DIGEST_SIZE + sizeof(between) - 1;

	if (strlen(line) < (size_t)(name - line) ||
		strncmp(line + 2 * DIGEST_SIZE, between, sizeof(between) - 1) != 0 ||
		!text_ends_with(name, ".box"))
		return;
	line[2 * DIGEST_SIZE] = '\0';
	autofree char *box = memory_printf("%lld/files/%s", number, name);
	add_box(boxes, box, line, providers);
}

/* The boxes of one version; nothing where it has none. What is damaged is `kiln verify`'s to say, and stops no other version. */
static void add_version(struct boxes *boxes, long long number, struct json *versions)
{
	autofree char *path = memory_printf("%lld/SHA256SUMS", number), *text = NULL;
	autojson struct json *providers = json_new_list();
	struct error err;

	if (file_read(boxes->image, path, SUMS_SIZE_MOST, &text, NULL, &err) < 0) {
		build_log_say(&boxes->job->log, "%s: " METADATA " leaves it out", err.text);
		return;
	}
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
		add_line(boxes, number, line, providers);
	if (!json_count(providers))
		return;
	autofree char *called = memory_printf("%lld.0.0", number);
	struct json *version = json_new_object();
	json_set_text(version, "version", called);
	json_set(version, "providers", TAKE(providers));
	json_add(versions, version);
}

/* The version that `current` names, 0 if there is none. */
static long long find_current(int image)
{
	char target[32];
	ssize_t size = readlinkat(image, "current", target, sizeof(target) - 1);

	target[size < 0 ? 0 : size] = '\0';
	return strtoll(target, NULL, 10);
}

static int compare_numbers(const void *a, const void *b)
{
	long long one = *(const long long *)a, other = *(const long long *)b;

	return (one > other) - (one < other);
}

static int list_versions(struct boxes *boxes, struct json *versions, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};
	long long current = find_current(boxes->image);

	if (folder_list(boxes->image, ".", &names, err) < 0)
		return -1;
	autofree long long *numbers = memory_new((names.count + 1) * sizeof(*numbers));
	size_t count = 0;
	strings_each (name, &names) {
		char *end;
		long long number = strtoll(name, &end, 10);
		if (*name >= '1' && *name <= '9' && !*end && number <= current)
			numbers[count++] = number;
	}
	qsort(numbers, count, sizeof(*numbers), compare_numbers);
	for (size_t i = 0; i < count; i++)
		add_version(boxes, numbers[i], versions);
	return 0;
}

/* ---- writing it ---- */

static int replace(struct boxes *boxes, struct json *versions, struct error *err)
{
	autojson struct json *metadata = json_new_object();
	CLEANUP(text_clear) struct text text = {0};

	json_set_text(metadata, "name", boxes->place->image);
	json_set(metadata, "versions", versions);
	if (boxes->before && json_equal(metadata, boxes->before))
		return 0;
	json_write(metadata, JSON_PRETTY, &text);
	text_add_char(&text, '\n');
	int result = file_replace(boxes->image, METADATA, 0644, text.data, text.size, err);
	FAULT("boxes-written");
	return result;
}

static int update(struct boxes *boxes, struct error *err)
{
	struct json *versions = json_new_list();

	read_before(boxes);
	if (list_versions(boxes, versions, err) < 0) {
		json_free(versions);
		return -1;
	}
	if (json_count(versions))
		return replace(boxes, versions, err);
	json_free(versions);
	if (unlinkat(boxes->image, METADATA, 0) < 0 && errno != ENOENT)
		return fail_errno(err, ERROR_BROKEN, METADATA);
	return 0;
}

int box_catalog_update(
	struct job *job, int image, const struct catalog_place *place, struct error *err)
{
	struct boxes boxes = {.job = job, .image = image, .place = place};

	/* held until the folder is closed: whoever comes second sees what the first did */
	if (flock(image, LOCK_EX) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s/%s", place->path, place->image);
	int result = update(&boxes, err);
	boxes_clear(&boxes);
	flock(image, LOCK_UN);
	return result < 0 ? fail_while(err, "%s/%s/" METADATA, place->path, place->image) : 0;
}
