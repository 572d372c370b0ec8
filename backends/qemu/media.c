/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/media.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/qemu/image_file.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "base/memory.h"

enum { READ_SIZE = 256 * 1024, SUM_SIZE_MOST = 64 };

/* ---- its checksum ---- */

/* "sha256:HEX" or "HEX", whose length says which. */
static enum digest_kind kind_of_checksum(const char *checksum, const char **hex)
{
	const char *colon = strchr(checksum, ':');

	*hex = colon ? colon + 1 : checksum;
	if (colon) {
		autofree char *name = memory_copy_bytes(checksum, colon - checksum);
		return digest_kind_find(name);
	}
	for (enum digest_kind kind = 0; kind < DIGEST_KIND_COUNT; kind++)
		if (digest_kind_size(kind) * 2 == strlen(checksum) && kind != DIGEST_SHA224)
			return kind;
	return DIGEST_KIND_COUNT;
}

static int digest_file(struct job *job, int fd, struct digest_stream *stream, struct error *err)
{
	autofree char *buffer = memory_resize(NULL, READ_SIZE, 1);
	off_t at = 0;

	for (ssize_t got; (got = pread(fd, buffer, READ_SIZE, at)) != 0; at += got) {
		if (got < 0)
			return fail_errno(err, ERROR_CATALOG, "reading it");
		if (job_check(job, err) < 0)
			return -1;
		digest_stream_add(stream, buffer, got);
	}
	return 0;
}

static int check_sum(struct job *job, int fd, const char *checksum, struct error *err)
{
	unsigned char wanted[SUM_SIZE_MOST], found[SUM_SIZE_MOST];
	char is[2 * SUM_SIZE_MOST + 1];
	const char *hex;

	if (strcmp(checksum, "none") == 0)
		return 0;
	enum digest_kind kind = kind_of_checksum(checksum, &hex);
	if (kind == DIGEST_KIND_COUNT || !digest_read_hex(hex, wanted, digest_kind_size(kind)))
		return fail(err, ERROR_CATALOG,
			"iso_checksum '%s' is none of TYPE:HEX, HEX and none", checksum);
	CLEANUP(digest_stream_freep) struct digest_stream *stream = digest_stream_new(kind);
	if (digest_file(job, fd, stream, err) < 0)
		return -1;
	digest_stream_end(stream, found);
	if (memcmp(wanted, found, digest_kind_size(kind)) == 0)
		return 0;
	digest_write_hex(found, digest_kind_size(kind), is);
	return fail(err, ERROR_CATALOG, "its %s is %s, and iso_checksum says %s",
		digest_kind_name(kind), is, hex);
}

/* ---- where it is ---- */

/* A version of the catalog: the order says where it lies. */
static int open_version(struct job *job, const char *text, struct error *err)
{
	const struct json *bases = job_order(job, "bases");

	for (size_t i = 0; i < json_count(bases); i++) {
		const struct json *about = json_item(bases, i);
		const char *file = json_get_text(about, "file", NULL);
		if (strcmp(json_get_text(about, "text", ""), text) != 0)
			continue;
		if (!file)
			return fail(err, ERROR_CATALOG, "%s has not one file but several", text);
		autofree char *path =
			memory_printf("%s/%s", json_get_text(about, "folder", ""), file);
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		return fd < 0 ? fail_errno(err, ERROR_BROKEN, "%s", path) : fd;
	}
	return fail(err, ERROR_BROKEN, "the order does not say where %s is", text);
}

/* The path that an open file has by now: no link is left in it. */
static char *path_of(int fd)
{
	autofree char *link = memory_printf("/proc/self/fd/%d", fd);
	char path[PATH_MAX];
	ssize_t size = readlink(link, path, sizeof(path) - 1);

	return memory_copy_bytes(path, size < 0 ? 0 : size);
}

static int open_source(struct job *job, const struct qemu_options *options, const char *url,
	struct qemu_media *media, struct error *err)
{
	bool version = text_starts_with(url, "catalog:");
	const char *path = text_starts_with(url, "file://") ? url + strlen("file://") : url;

	media->source_fd =
		version ? open_version(job, url, err) : job_open_path(job, path, O_RDONLY, 0, err);
	if (media->source_fd < 0)
		return -1;
	media->source = path_of(media->source_fd);
	autofree char *own = path_of(job->folder_fd);
	media->lasting = !text_starts_with(media->source, own);
	/* what is in the catalog was digested when it was published */
	if (!version && check_sum(job, media->source_fd, options->iso_checksum, err) < 0)
		return fail_while(err, "%s", url);
	if (!options->disk_image)
		return 0;
	return image_file_format(media->source_fd, url, &media->format, err);
}

int qemu_media_open(struct job *job, const struct qemu_options *options, struct qemu_media *media,
	struct error *err)
{
	const char *url = options->iso_url;

	*media = (struct qemu_media){.source_fd = -1};
	if (*url)
		return open_source(job, options, url, media, err);
	for (size_t i = 0; i < json_count(options->iso_urls); i++) {
		url = json_text(json_item(options->iso_urls, i), "");
		if (open_source(job, options, url, media, err) == 0)
			return 0;
		if (err->kind == ERROR_CONFLICT)
			return -1;
		build_log_say(&job->log, "%s", err->text);
		qemu_media_clear(media);
	}
	return -1;
}

void qemu_media_clear(struct qemu_media *media)
{
	free(media->source);
	free(media->floppy);
	free(media->http_ip);
	free(media->http_folder);
	strings_clear(&media->cds);
	cleanup_close(&media->source_fd);
	*media = (struct qemu_media){.source_fd = -1};
}
