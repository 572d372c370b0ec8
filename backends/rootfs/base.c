/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/rootfs/base.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/media/download.h"
#include "backends/rootfs/tree.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

/* ---- filling the tree, inside the build's namespace ---- */

struct fill {
	struct job *job;
	const int *archives; /* the lowest first */
	size_t count;
	bool layers; /* of an OCI image: later ones hide what earlier ones have */
};

static int unpack_archives(void *context, int folder, struct error *err)
{
	const struct fill *fill = context;

	for (size_t i = 0; i < fill->count; i++) {
		struct tree_unpack unpack = {.archive = fill->archives[i],
			.folder = folder,
			.epoch = fill->job->epoch,
			.owners = fill->job->ids.many,
			.apply_layer = fill->layers};
		if (tree_unpack(&unpack, err) < 0)
			return -1;
	}
	return 0;
}

static int make_tree(struct job *job, struct layers *layers, const struct digest *key,
	const int *archives, size_t count, bool oci, struct rootfs_base *base, struct error *err)
{
	struct fill fill = {job, archives, count, oci};

	build_log_say(&job->log, "unpacking the base");
	return layers_make(layers, key, unpack_archives, &fill, &base->layer, err);
}

/* ---- what it is ---- */

static int check_tar(int fd, const char *name, const char *checksum, struct error *err)
{
	char is[DIGEST_TEXT_SIZE];
	struct digest wanted, found;

	if (!*checksum)
		return 0;
	if (!digest_parse(checksum, &wanted))
		return fail(err, ERROR_CATALOG,
			"base_checksum '%s' is no SHA-256 (64 hexadecimal digits)", checksum);
	if (digest_of_fd(fd, &found, err) < 0)
		return fail_while(err, "%s", name);
	if (!digest_equal(&wanted, &found))
		return fail(err, ERROR_CATALOG, "%s is %s, and base_checksum says %s", name,
			digest_text(&found, is), checksum);
	return lseek(fd, 0, SEEK_SET) < 0 ? fail_errno(err, ERROR_BROKEN, "%s", name) : 0;
}

static int use_tar(struct job *job, struct layers *layers, int fd, const char *name,
	const char *checksum, const struct digest *key, struct rootfs_base *base, struct error *err)
{
	if (check_tar(fd, name, checksum, err) < 0)
		return -1;
	if (make_tree(job, layers, key, &fd, 1, false, base, err) < 0)
		return fail_while(err, "the base %s", name);
	return 0;
}

static int use_oci(struct job *job, struct layers *layers, const struct digest *key,
	struct rootfs_base *base, struct error *err)
{
	autofree int *archives = memory_new(base->oci.count * sizeof(*archives));
	size_t opened = 0;
	int result = 0;

	while (opened < base->oci.count && result == 0) {
		archives[opened] = oci_open_layer(&base->oci, opened, err);
		if (archives[opened] < 0)
			result = -1;
		else
			opened++;
	}
	if (result == 0)
		result = make_tree(job, layers, key, archives, opened, true, base, err);
	while (opened)
		close(archives[--opened]);
	return result;
}

/* The folder of an OCI layout is read in any case: what is built on it may take its layers over. */
static int open_oci(struct job *job, struct layers *layers, int folder, const struct digest *key,
	bool have_tree, struct rootfs_base *base, struct error *err)
{
	base->folder = folder;
	base->is_oci = true;
	if (oci_read(folder, &base->oci, err) < 0)
		return -1;
	return have_tree ? 0 : use_oci(job, layers, key, base, err);
}

/* The order says where the version of the catalog lies and what its digest is. */
static const struct json *find_catalog_base(const struct job *job, const char *text)
{
	const struct json *bases = job_order(job, "bases");

	for (size_t i = 0; i < json_count(bases); i++)
		if (strcmp(json_get_text(json_item(bases, i), "text", ""), text) == 0)
			return json_item(bases, i);
	return NULL;
}

static int open_catalog(struct job *job, struct layers *layers, const char *text,
	const struct digest *key, bool have_tree, struct rootfs_base *base, struct error *err)
{
	const struct json *about = find_catalog_base(job, text);
	const char *path = json_get_text(about, "folder", "");
	const char *file = json_get_text(about, "file", NULL);

	if (!about)
		return fail(err, ERROR_BROKEN, "the order does not say where %s is", text);
	if (!file) {
		int folder = folder_open(AT_FDCWD, path, err);
		return folder < 0 ? -1 : open_oci(job, layers, folder, key, have_tree, base, err);
	}
	if (have_tree)
		return 0;
	autofree char *full = memory_printf("%s/%s", path, file);
	autoclose int fd = open(full, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", full);
	return use_tar(job, layers, fd, full, json_get_text(about, "digest", ""), key, base, err);
}

static int open_url(struct job *job, struct layers *layers, const struct rootfs_options *options,
	const struct digest *key, struct rootfs_base *base, struct error *err)
{
	CLEANUP(strings_clear) struct strings urls = {0};
	struct download download = {&urls, options->base_checksum, "base_checksum", false};
	CLEANUP(downloaded_clear) struct downloaded file = {.fd = -1};
	struct digest digest;

	if (!digest_parse(options->base_checksum, &digest))
		return fail(err, ERROR_CATALOG,
			"base_checksum '%s' is no SHA-256 (64 hexadecimal digits)",
			options->base_checksum);
	strings_add(&urls, options->base);
	if (download_get(job, &download, &file, err) < 0)
		return -1;
	return use_tar(job, layers, file.fd, options->base, "", key, base, err);
}

int rootfs_base_open(struct job *job, struct layers *layers, const struct rootfs_options *options,
	const struct digest *key, struct rootfs_base *base, struct error *err)
{
	const char *name = options->base;

	*base = (struct rootfs_base){.folder = -1, .layer = {.tree = -1}};
	if (strcmp(name, "scratch") == 0) {
		base->empty = true;
		return 0;
	}
	int found = layers_find(layers, key, 0, &base->layer, err);
	if (found < 0)
		return -1;
	if (text_starts_with(name, "catalog:"))
		return open_catalog(job, layers, name, key, found, base, err);
	if (text_starts_with(name, "oci:")) {
		int folder =
			job_open_path(job, name + strlen("oci:"), O_RDONLY | O_DIRECTORY, 0, err);
		return folder < 0 ? -1 : open_oci(job, layers, folder, key, found, base, err);
	}
	if (found)
		return 0;
	if (strstr(name, "://"))
		return open_url(job, layers, options, key, base, err);
	autoclose int fd = job_open_path(job, name, O_RDONLY, 0, err);
	if (fd < 0)
		return -1;
	return use_tar(job, layers, fd, name, options->base_checksum, key, base, err);
}

void rootfs_base_close(struct rootfs_base *base)
{
	layer_clear(&base->layer);
	oci_image_clear(&base->oci);
	if (base->folder >= 0)
		close(base->folder);
	base->folder = -1;
}
