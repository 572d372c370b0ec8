/* SPDX-License-Identifier: Apache-2.0 */
/* A catalog in a folder: NAME/N/{manifest.json,SHA256SUMS,files/...}, NAME/CHANNEL -> N, NAME/metadata.json (box_catalog.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/box_catalog.h"
#include "backends/catalog.h"
#include "backends/copy.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file_identity.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

enum { MANIFEST_SIZE_MOST = 64 * 1024 * 1024, SUMS_SIZE_MOST = 64 * 1024 * 1024 };

/* The image's folder, made where there is none. */
static int open_image(const struct catalog_place *place, struct error *err)
{
	autofree char *path = memory_printf("%s/%s", place->path, place->image);
	int fd = folder_make(AT_FDCWD, path, 0755, err);

	return fd < 0 ? fail_while(err, "the catalog %s", place->name) : fd;
}

/* ---- publishing ---- */

/* FOLDER is a version of BUILD; anything else there is somebody else's. */
static bool is_of_build(int image, const char *folder, const char *build)
{
	autofree char *path = memory_printf("%s/manifest.json", folder);
	autofree char *text = NULL;
	autojson struct json *manifest = NULL;
	struct error ignored;
	size_t size;

	if (file_read(image, path, MANIFEST_SIZE_MOST, &text, &size, &ignored) < 0 ||
		json_parse_bytes(text, size, &manifest, &ignored) < 0)
		return false;
	return strcmp(json_get_text(manifest, "build", ""), build) == 0;
}

/* The version's SHA256SUMS has that file with that digest. */
static bool is_listed(int image, int64_t version, const struct published_file *file)
{
	autofree char *path = memory_printf("%lld/SHA256SUMS", (long long)version);
	autofree char *sums = NULL;
	CLEANUP(text_clear) struct text line = {0};
	char hex[DIGEST_HEX_SIZE];
	struct error ignored;
	size_t size;

	if (file_read(image, path, SUMS_SIZE_MOST, &sums, &size, &ignored) < 0)
		return false;
	digest_write_line(digest_hex(&file->digest, hex), "files/", file->name, &line);
	return strstr(sums, text_get(&line)) != NULL;
}

/*
 * Most of an OCI image's layers were in the version before: the file there is the file here, if it still says what its
 * digest says. 1 if it was linked.
 */
static int link_previous(int image, int64_t previous, int files, const struct published_file *file)
{
	autofree char *path = memory_printf("%lld/files/%s", (long long)previous, file->name);
	struct digest digest;
	struct error ignored;
	struct stat status;

	if (!previous || !is_listed(image, previous, file))
		return 0;
	autoclose int fd = openat(image, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &status) < 0 || status.st_size != file->size ||
		digest_of_fd(fd, &digest, &ignored) < 0 || !digest_equal(&digest, &file->digest))
		return 0;
	return linkat(image, path, files, file->name, 0) == 0;
}

/* Nobody can write to the file of FD any more: it has no other name, and no open writer. */
static bool is_ours_alone(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && status.st_nlink == 1 && file_is_at_rest(fd);
}

static bool link_artifact(int from, int files, const char *name)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", from);
	return fchmod(from, 0644) == 0 &&
	       linkat(AT_FDCWD, path, files, name, AT_SYMLINK_FOLLOW) == 0;
}

/*
 * The open file FROM becomes FILE of the version, and *DIGEST is what it has: what a build made itself, and leaves, without a copy,
 * and without being read again if nothing came near it since it was.
 */
static int take_artifact(struct job *job, int from, int files, const struct published_file *file,
	struct digest *digest, struct error *err)
{
	bool ours = !json_has(job->order, "artifact_folder") && is_ours_alone(from);
	autojson struct json *identity = ours ? file_identity(from) : NULL;

	if (!ours || !link_artifact(from, files, file->name))
		return copy_fd(from, files, file->name, 0644, digest, NULL, err);
	if (!identity || !json_equal(identity, file->identity))
		return digest_of_fd(from, digest, err);
	*digest = file->digest;
	return 0;
}

static int make_parents(int files, const char *name, struct error *err)
{
	autofree char *folder = path_folder(name);

	if (!*folder)
		return 0;
	autoclose int fd = folder_make(files, folder, 0755, err);
	return fd < 0 ? -1 : 0;
}

static int stage_file(struct job *job, int image, int64_t previous, int files,
	const struct published_file *file, struct error *err)
{
	char is[DIGEST_TEXT_SIZE], was[DIGEST_TEXT_SIZE];
	struct digest digest;

	if (make_parents(files, file->name, err) < 0)
		return -1;
	if (link_previous(image, previous, files, file))
		return 0;
	autoclose int from = published_open(job, file, err);
	if (from < 0)
		return -1;
	if (take_artifact(job, from, files, file, &digest, err) < 0)
		return -1;
	if (!digest_equal(&digest, &file->digest))
		return fail(err, ERROR_CONFLICT, "%s changed since it was built: %s, was %s",
			file->name, digest_text(&digest, is), digest_text(&file->digest, was));
	autoclose int written = openat(files, file->name, O_RDONLY | O_CLOEXEC);
	if (written < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", file->name);
	return file_sync(written, file->name, err);
}

/* Folders of the files, the innermost first, so that each name is lasting before its folder's is. */
static int sync_folders(int files, const struct published *published, struct error *err)
{
	CLEANUP(strings_clear) struct strings folders = {0};

	for (size_t i = 0; i < published->count; i++) {
		autofree char *folder = path_folder(published->items[i].name);
		while (*folder) {
			strings_add_once(&folders, folder);
			char *above = path_folder(folder);
			cleanup_free(&folder);
			folder = above;
		}
	}
	strings_sort(&folders);
	for (size_t i = folders.count; i--;)
		if (folder_sync(files, folders.items[i], err) < 0)
			return -1;
	return folder_sync(files, ".", err);
}

static int stage(struct job *job, int image, const char *name, const struct published *published,
	const struct json *manifest, int64_t previous, struct error *err)
{
	CLEANUP(text_clear) struct text text = {0};
	autofree char *sums = published_sums(published);
	autoclose int folder = folder_make(image, name, 0755, err);
	autoclose int files = folder < 0 ? -1 : folder_make(folder, "files", 0755, err);

	if (files < 0)
		return -1;
	for (size_t i = 0; i < published->count; i++) {
		if (job_check(job, err) < 0 ||
			stage_file(job, image, previous, files, &published->items[i], err) < 0)
			return -1;
	}
	FAULT("publish-files");
	if (sync_folders(files, published, err) < 0)
		return -1;
	json_write(manifest, JSON_PRETTY, &text);
	text_add_char(&text, '\n');
	if (file_write_new(folder, "SHA256SUMS", 0644, sums, strlen(sums), err) < 0 ||
		file_write_new(folder, "manifest.json", 0644, text.data, text.size, err) < 0)
		return -1;
	FAULT("publish-staged");
	return folder_sync(image, name, err);
}

static int publish(struct job *job, const struct catalog_place *place, int64_t version,
	const struct published *files, const struct json *manifest, int64_t previous,
	struct error *err)
{
	autofree char *number = memory_printf("%lld", (long long)version);
	autofree char *staged = memory_printf(".stage-%s", job->build);
	autoclose int image = open_image(place, err);

	if (image < 0)
		return -1;
	if (file_exists(image, number))
		return is_of_build(image, number, job->build)
		               ? box_catalog_update(job, image, place, err)
		               : fail(err, ERROR_CONFLICT,
					 "%s/%s/%s is there already, from another build",
					 place->path, place->image, number);
	if (folder_remove(image, staged, err) < 0 ||
		stage(job, image, staged, files, manifest, previous, err) < 0) {
		struct error ignored;
		folder_remove(image, staged, &ignored);
		return fail_while(err, "publishing to the catalog %s", place->name);
	}
	if (renameat2(image, staged, image, number, RENAME_NOREPLACE) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s/%s/%s", place->path, place->image, number);
	FAULT("publish-renamed");
	if (folder_sync(image, ".", err) < 0)
		return -1;
	return box_catalog_update(job, image, place, err);
}

/* ---- channels ---- */

/* `current` decides which boxes Vagrant sees. */
static int finish_channel(struct job *job, int image, const struct catalog_place *place,
	const char *channel, struct error *err)
{
	if (folder_sync(image, ".", err) < 0)
		return -1;
	return strcmp(channel, "current") == 0 ? box_catalog_update(job, image, place, err) : 0;
}

static int set_channel(struct job *job, const struct catalog_place *place, const char *channel,
	int64_t version, struct error *err)
{
	autofree char *number = memory_printf("%lld", (long long)version);
	autofree char *beside = memory_printf(".%s.new", channel);
	autoclose int image = open_image(place, err);
	char is[64];

	if (image < 0)
		return -1;
	ssize_t size = readlinkat(image, channel, is, sizeof(is) - 1);
	is[size < 0 ? 0 : size] = '\0';
	if (strcmp(is, number) == 0)
		return finish_channel(job, image, place, channel, err);
	if (!file_exists(image, number))
		return fail(err, ERROR_BROKEN, "%s/%s/%s is not there: the channel %s stays",
			place->path, place->image, number, channel);
	if (unlinkat(image, beside, 0) < 0 && errno != ENOENT)
		return fail_errno(err, ERROR_BROKEN, "%s/%s/%s", place->path, place->image, beside);
	if (symlinkat(number, image, beside) < 0 || renameat(image, beside, image, channel) < 0)
		return fail_errno(
			err, ERROR_BROKEN, "%s/%s/%s", place->path, place->image, channel);
	FAULT("channel-renamed");
	return finish_channel(job, image, place, channel, err);
}

/* ---- retiring ---- */

/* Out of sight by one rename, then removed: a half-removed version never shows under its number. */
static int retire(
	struct job *job, const struct catalog_place *place, int64_t version, struct error *err)
{
	autofree char *number = memory_printf("%lld", (long long)version);
	autofree char *hidden = memory_printf(".retired-%lld", (long long)version);
	autoclose int image = open_image(place, err);

	if (image < 0)
		return -1;
	if (renameat(image, number, image, hidden) < 0 && errno != ENOENT)
		return fail_errno(err, ERROR_BROKEN, "%s/%s/%s", place->path, place->image, number);
	FAULT("retire-renamed");
	if (folder_sync(image, ".", err) < 0 || box_catalog_update(job, image, place, err) < 0 ||
		folder_remove(image, hidden, err) < 0)
		return -1;
	FAULT("retire-removed");
	if (folder_sync(image, ".", err) < 0)
		return -1;
	/* the last of its image: the folder goes with it, if nothing else is there */
	autofree char *folder = memory_printf("%s/%s", place->path, place->image);
	rmdir(folder);
	return 0;
}

static int remove_channels(struct job *job, const struct catalog_place *place, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};
	autoclose int image = open_image(place, err);

	(void)job;
	if (image < 0 || folder_list(image, ".", &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		struct stat status;
		if (fstatat(image, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISLNK(status.st_mode))
			continue;
		if (unlinkat(image, name, 0) < 0)
			return fail_errno(
				err, ERROR_BROKEN, "%s/%s/%s", place->path, place->image, name);
		FAULT("channel-removed");
	}
	return folder_sync(image, ".", err);
}

static const struct catalog catalog_directory = {
	.type = "directory",
	.publish = publish,
	.set_channel = set_channel,
	.retire = retire,
	.remove_channels = remove_channels,
};

const struct catalog *const catalogs[] = {&catalog_directory, NULL};

const struct catalog *catalog_find(const char *type)
{
	for (const struct catalog *const *c = catalogs; *c; c++)
		if (strcmp((*c)->type, type) == 0)
			return *c;
	return NULL;
}
