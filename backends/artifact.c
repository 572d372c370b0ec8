/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/artifact.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/copy.h"
#include "base/cleanup.h"
#include "base/file_identity.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

enum { LARGE = 1024 * 1024 };

struct artifact *artifact_new(const char *builder_id, const char *id, const char *text)
{
	struct artifact *artifact = memory_new(sizeof(*artifact));

	artifact->builder_id = memory_copy_text(builder_id);
	artifact->id = memory_copy_text(id);
	artifact->text = memory_copy_text(text);
	return artifact;
}

void artifact_add(
	struct artifact *artifact, const char *path, const struct digest *digest, int64_t size)
{
	MEMORY_GROW(artifact->files, artifact->count, artifact->room);
	artifact->files[artifact->count++] = (struct artifact_file){
		.path = memory_copy_text(path),
		.digested = digest != NULL,
		.digest = digest ? *digest : (struct digest){{0}},
		.size = size,
	};
}

struct artifact *artifact_copy(const struct artifact *artifact)
{
	struct artifact *copy = artifact_new(artifact->builder_id, artifact->id, artifact->text);

	for (size_t i = 0; i < artifact->count; i++) {
		const struct artifact_file *file = &artifact->files[i];
		artifact_add(copy, file->path, file->digested ? &file->digest : NULL, file->size);
		artifact_show(copy, file->shown);
	}
	copy->state = artifact->state ? json_copy(artifact->state) : NULL;
	return copy;
}

void artifact_free(struct artifact *artifact)
{
	if (!artifact)
		return;
	for (size_t i = 0; i < artifact->count; i++) {
		free(artifact->files[i].path);
		free(artifact->files[i].shown);
	}
	free(artifact->files);
	json_free(artifact->state);
	free(artifact->builder_id);
	free(artifact->id);
	free(artifact->text);
	free(artifact);
}

bool artifact_has(const struct artifact *artifact, const char *path)
{
	for (size_t i = 0; i < artifact->count; i++)
		if (strcmp(artifact->files[i].path, path) == 0)
			return true;
	return false;
}

void artifact_show(struct artifact *artifact, const char *shown)
{
	struct artifact_file *file = &artifact->files[artifact->count - 1];

	free(file->shown);
	file->shown = shown ? memory_copy_text(shown) : NULL;
}

const char *artifact_shown(const struct job *job, const struct artifact_file *file)
{
	const char *name = file->shown ? file->shown : file->path;
	const char *folder = file->shown ? JOB_REPOSITORY : job->directory;

	return *folder && path_is_within(name, folder) && name[strlen(folder)]
	               ? name + strlen(folder) + 1
	               : name;
}

int artifact_open(
	struct job *job, const struct artifact_file *file, struct stat *status, struct error *err)
{
	autofree char *rooted = memory_printf("%s/%s", JOB_REPOSITORY, file->path);
	autoclose int fd = job_open_path(job, rooted, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, err);
	struct stat mine;

	if (fd < 0)
		return fail_while(err, "the artifact's file");
	if (fstat(fd, status ? status : &mine) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", file->path);
	if (!S_ISREG((status ? status : &mine)->st_mode))
		return fail(err, ERROR_CATALOG,
			"%s is a folder or no regular file: an artifact has files", file->path);
	return TAKE_FD(fd);
}

/* ---- what is published ---- */

void published_clear(struct published *published)
{
	for (size_t i = 0; i < published->count; i++) {
		free(published->items[i].name);
		free(published->items[i].path);
		json_free(published->items[i].identity);
	}
	free(published->items);
	*published = (struct published){0};
}

/* What is large is not read again to be published, if it is still what it was. */
static int digest_file(struct job *job, const struct artifact_file *file,
	struct published_file *item, struct error *err)
{
	struct stat status;
	autoclose int fd = artifact_open(job, file, &status, err);

	if (fd < 0)
		return -1;
	item->size = status.st_size;
	autojson struct json *identity =
		status.st_size >= LARGE ? file_identity_at_rest(fd) : NULL;
	if (digest_of_fd(fd, &item->digest, err) < 0)
		return -1;
	item->identity = TAKE(identity);
	return 0;
}

static int add_file(struct job *job, struct published *published, const struct artifact_file *file,
	struct error *err)
{
	struct published_file item = {.digest = file->digest, .size = file->size};

	for (size_t i = 0; i < published->count; i++)
		if (strcmp(published->items[i].path, file->path) == 0)
			return 0;
	if (!file->digested && digest_file(job, file, &item, err) < 0)
		return -1;
	item.path = memory_copy_text(file->path);
	MEMORY_GROW(published->items, published->count, published->room);
	published->items[published->count++] = item;
	return 0;
}

/* How many bytes of folders all paths begin with. */
static size_t common_folders(const struct published *published)
{
	const char *first = published->items[0].path;
	const char *slash = strrchr(first, '/');
	size_t size = slash ? (size_t)(slash - first) + 1 : 0;

	for (size_t i = 1; i < published->count; i++) {
		while (size && strncmp(first, published->items[i].path, size) != 0) {
			size--;
			while (size && first[size - 1] != '/')
				size--;
		}
	}
	return size;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(
		((const struct published_file *)a)->name, ((const struct published_file *)b)->name);
}

char *published_sums(const struct published *published)
{
	struct text sums = {0};
	char hex[DIGEST_HEX_SIZE];

	for (size_t i = 0; i < published->count; i++)
		digest_write_line(digest_hex(&published->items[i].digest, hex), "files/",
			published->items[i].name, &sums);
	return text_take(&sums);
}

static void finish(struct published *published)
{
	if (published->count > 1)
		qsort(published->items, published->count, sizeof(*published->items), compare_names);
	if (published->count == 1) {
		published->digest = published->items[0].digest;
		return;
	}
	autofree char *sums = published_sums(published);
	digest_of(sums, strlen(sums), &published->digest);
}

int published_make(struct job *job, struct artifact *const *artifacts, size_t count,
	struct published *published, struct error *err)
{
	*published = (struct published){0};
	for (size_t a = 0; a < count; a++)
		for (size_t f = 0; f < artifacts[a]->count; f++)
			if (add_file(job, published, &artifacts[a]->files[f], err) < 0)
				return -1;
	size_t cut = published->count ? common_folders(published) : 0;
	for (size_t i = 0; i < published->count; i++)
		published->items[i].name = memory_copy_text(published->items[i].path + cut);
	finish(published);
	return 0;
}

struct json *artifacts_to_json(struct artifact *const *artifacts, size_t count)
{
	struct json *list = json_new_list();

	for (size_t i = 0; i < count; i++) {
		struct json *about = json_new_object();
		json_set_text(about, "builder_id", artifacts[i]->builder_id);
		json_set_text(about, "id", artifacts[i]->id);
		json_set_text(about, "text", artifacts[i]->text);
		json_set_integer(about, "files", (int64_t)artifacts[i]->count);
		json_add(list, about);
	}
	return list;
}

struct json *published_to_json(const struct published *published)
{
	struct json *json = json_new_object(), *files = json_new_list();
	char text[DIGEST_TEXT_SIZE], hex[DIGEST_HEX_SIZE];

	for (size_t i = 0; i < published->count; i++) {
		const struct published_file *item = &published->items[i];
		struct json *file = json_new_object();
		json_set_text(file, "name", item->name);
		json_set_text(file, "path", item->path);
		json_set_text(file, "sha256", digest_hex(&item->digest, hex));
		json_set_integer(file, "size", item->size);
		if (item->identity)
			json_set(file, "identity", json_copy(item->identity));
		json_add(files, file);
	}
	json_set_text(json, "digest", digest_text(&published->digest, text));
	json_set(json, "files", files);
	return json;
}

int published_from_json(const struct json *json, struct published *published, struct error *err)
{
	const struct json *files = json_get(json, "files");

	*published = (struct published){0};
	for (size_t i = 0; i < json_count(files); i++) {
		const struct json *file = json_item(files, i);
		struct published_file item = {.size = json_get_integer(file, "size", 0)};
		if (!digest_parse(json_get_text(file, "sha256", ""), &item.digest))
			return fail(err, ERROR_BROKEN, "an artifact's file without a digest");
		item.name = memory_copy_text(json_get_text(file, "name", ""));
		item.path = memory_copy_text(json_get_text(file, "path", ""));
		if (json_has(file, "identity"))
			item.identity = json_copy(json_get(file, "identity"));
		MEMORY_GROW(published->items, published->count, published->room);
		published->items[published->count++] = item;
	}
	finish(published);
	return 0;
}

/* ---- the files themselves ---- */

int published_open(struct job *job, const struct published_file *file, struct error *err)
{
	return published_open_in(
		job, json_get_text(job->order, "artifact_folder", NULL), file, err);
}

int published_open_in(
	struct job *job, const char *folder, const struct published_file *file, struct error *err)
{
	autofree char *rooted = memory_printf(JOB_REPOSITORY "/%s", file->path);

	if (!folder)
		return job_open_path(job, rooted, O_RDONLY | O_NOFOLLOW, 0, err);
	autofree char *path = memory_printf("%s/%s", folder, file->name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? fail_errno(err, ERROR_BROKEN, "%s", path) : fd;
}

static int lay_out_file(struct job *job, const struct published_file *file, struct error *err)
{
	autofree char *folder = path_folder(file->path);
	autoclose int from = published_open(job, file, err);
	autoclose int to = from < 0 ? -1 : folder_make_inside(job->tree_fd, folder, 0755, err);

	if (to < 0 || folder_remove(to, path_name(file->path), err) < 0)
		return -1;
	return copy_fd(from, to, path_name(file->path), 0644, NULL, NULL, err);
}

int published_lay_out(struct job *job, struct error *err)
{
	CLEANUP(published_clear) struct published files = {0};

	if (!json_has(job->order, "artifact_folder"))
		return 0;
	if (published_from_json(job_order(job, "artifact"), &files, err) < 0)
		return -1;
	for (size_t i = 0; i < files.count; i++)
		if (lay_out_file(job, &files.items[i], err) < 0)
			return -1;
	return 0;
}
