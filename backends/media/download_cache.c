/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/media/download_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file_identity.h"
#include "base/files.h"
#include "base/memory.h"

enum { NOTE_MOST = 64 * 1024, READ_SIZE = 64 * 1024, LOOK_USEC = 200 * 1000 };

int download_cache_open(
	struct download_cache *cache, struct job *job, bool shared, struct error *err)
{
	*cache = (struct download_cache){.job = job, .folder = -1};
	cache->path =
		shared ? memory_printf("%s/cache/downloads", json_get_text(job->order, "state", ""))
		       : memory_printf("%s/work/downloads", job->folder);
	cache->folder = folder_make(AT_FDCWD, cache->path, 0700, err);
	return cache->folder < 0 ? -1 : 0;
}

void download_cache_close(struct download_cache *cache)
{
	cleanup_close(&cache->folder);
	free(cache->path);
	*cache = (struct download_cache){.folder = -1};
}

/* A URL may hold a password, and this is only ever compared. */
static char *digest_url(const char *url)
{
	char hex[DIGEST_HEX_SIZE];
	struct digest digest;

	digest_of(url, strlen(url), &digest);
	return memory_copy_text(digest_hex(&digest, hex));
}

char *download_cache_key(const struct checksum *checksum, const char *url)
{
	char hex[2 * CHECKSUM_SIZE_MOST + 1];

	if (checksum->form != CHECKSUM_DIGEST) {
		autofree char *digest = digest_url(url);
		return memory_printf("url-%s", digest);
	}
	digest_write_hex(checksum->bytes, digest_kind_size(checksum->kind), hex);
	if (checksum->kind == DIGEST_SHA256)
		return memory_copy_text(hex);
	return memory_printf("%s-%s", digest_kind_name(checksum->kind), hex);
}

/* ---- digests ---- */

void download_digests_begin(struct download_digests *digests, enum digest_kind kind)
{
	download_digests_end(digests, NULL, NULL);
	digests->own = digest_stream_new(DIGEST_SHA256);
	digests->other = kind == DIGEST_SHA256 ? NULL : digest_stream_new(kind);
}

void download_digests_add(struct download_digests *digests, const void *bytes, size_t size)
{
	digest_stream_add(digests->own, bytes, size);
	if (digests->other)
		digest_stream_add(digests->other, bytes, size);
}

int download_digests_read(struct download_digests *digests, struct job *job, int fd, int64_t size,
	struct error *err)
{
	autofree char *buffer = memory_resize(NULL, READ_SIZE, 1);

	for (int64_t at = 0; at < size;) {
		size_t wanted = size - at < READ_SIZE ? (size_t)(size - at) : READ_SIZE;
		ssize_t got = pread(fd, buffer, wanted, at);
		if (got < 0)
			return fail_errno(err, ERROR_BROKEN, "cannot read it");
		if (job_check(job, err) < 0)
			return -1;
		if (got == 0)
			break;
		download_digests_add(digests, buffer, got);
		at += got;
	}
	return 0;
}

void download_digests_end(
	struct download_digests *digests, struct digest *digest, unsigned char *bytes)
{
	if (digest)
		digest_stream_end(digests->own, digest->bytes);
	if (bytes && digests->other)
		digest_stream_end(digests->other, bytes);
	else if (bytes)
		memcpy(bytes, digest->bytes, DIGEST_SIZE);
	digest_stream_free(digests->own);
	digest_stream_free(digests->other);
	*digests = (struct download_digests){0};
}

/* ---- notes ---- */

static struct json *read_note(struct download_cache *cache, const char *of)
{
	autofree char *name = memory_printf("%s.json", of), *text = NULL;
	struct json *note = NULL;
	struct error ignored;
	size_t size;

	if (file_read(cache->folder, name, NOTE_MOST, &text, &size, &ignored) < 0 ||
		json_parse_bytes(text, size, &note, &ignored) < 0)
		return NULL;
	return note;
}

static int write_note(
	struct download_cache *cache, const char *of, const struct json *note, struct error *err)
{
	autofree char *name = memory_printf("%s.json", of);
	CLEANUP(text_clear) struct text text = {0};

	json_write(note, JSON_LINE, &text);
	return file_replace(cache->folder, name, 0600, text.data, text.size, err);
}

static void remove_with_note(struct download_cache *cache, const char *name)
{
	autofree char *note = memory_printf("%s.json", name);

	unlinkat(cache->folder, note, 0);
	unlinkat(cache->folder, name, 0);
}

static char *copy_member(const struct json *note, const char *key)
{
	const char *text = json_get_text(note, key, NULL);

	return text ? memory_copy_text(text) : NULL;
}

static void set_validators(struct json *note, const struct validators *validators)
{
	json_set_text(note, "etag", validators->etag);
	json_set_text(note, "modified", validators->modified);
}

bool download_cache_recall(struct download_cache *cache, const char *key, struct digest *digest,
	struct validators *validators)
{
	autojson struct json *note = read_note(cache, key);

	if (!digest_parse(json_get_text(note, "sha256", ""), digest))
		return false;
	validators->etag = copy_member(note, "etag");
	validators->modified = copy_member(note, "modified");
	return true;
}

int download_cache_remember(struct download_cache *cache, const char *key, const char *url,
	const struct digest *digest, const struct validators *validators, struct error *err)
{
	autojson struct json *note = json_new_object();
	autofree char *shown = transfer_shown_url(url);
	char hex[DIGEST_HEX_SIZE];

	json_set_text(note, "url", shown);
	json_set_text(note, "sha256", digest_hex(digest, hex));
	set_validators(note, validators);
	return write_note(cache, key, note, err);
}

/* ---- whole files ---- */

static int note_file(struct download_cache *cache, const char *name, int fd, struct error *err)
{
	autojson struct json *note = file_identity(fd);

	if (!note)
		return fail_errno(err, ERROR_BROKEN, "%s", name);
	return write_note(cache, name, note, err);
}

/* Opened under a shared lock, and still there under its name; -1 if not. */
static int open_locked(struct download_cache *cache, const char *name)
{
	autoclose int fd = openat(cache->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;

	/* whoever removes it holds it alone for a moment */
	if (fd < 0 || flock(fd, LOCK_SH) < 0 || fstat(fd, &status) < 0 || status.st_nlink == 0)
		return -1;
	return TAKE_FD(fd);
}

static int check_whole(struct download_cache *cache, const char *name, int fd,
	const struct digest *digest, struct error *err)
{
	CLEANUP(download_digests_clear) struct download_digests digests = {0};
	struct digest found;

	download_digests_begin(&digests, DIGEST_SHA256);
	if (download_digests_read(&digests, cache->job, fd, INT64_MAX, err) < 0)
		return fail_while(err, "%s/%s", cache->path, name);
	download_digests_end(&digests, &found, NULL);
	if (digest_equal(&found, digest))
		return note_file(cache, name, fd, err) < 0 ? -1 : 1;
	build_log_say(&cache->job->log,
		"%s/%s is not what was kept there: it is removed and fetched again", cache->path,
		name);
	remove_with_note(cache, name);
	return 0;
}

int download_cache_find(
	struct download_cache *cache, const struct digest *digest, int *fd, struct error *err)
{
	char name[DIGEST_HEX_SIZE];

	autoclose int kept = open_locked(cache, digest_hex(digest, name));
	if (kept < 0)
		return 0;
	autojson struct json *is = file_identity(kept), *was = read_note(cache, name);
	if (!is || !json_equal(is, was)) {
		int good = check_whole(cache, name, kept, digest, err);
		if (good <= 0)
			return good;
	} else {
		/* used just now: eviction takes what was used longest ago */
		autofree char *note = memory_printf("%s.json", name);
		utimensat(cache->folder, note, NULL, AT_SYMLINK_NOFOLLOW);
	}
	*fd = TAKE_FD(kept);
	return 1;
}

/* ---- parts ---- */

static bool is_named(struct download_cache *cache, const struct download_part *part)
{
	struct stat here, there;

	return fstat(part->fd, &here) == 0 &&
	       fstatat(cache->folder, part->name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

static int wait_for_lock(struct download_cache *cache, const char *shown,
	const struct download_part *part, struct error *err)
{
	struct job *job = cache->job;
	autofree char *what = memory_printf("%s, fetched by another build", shown);
	struct transfer_progress progress = {0};
	struct stat status;

	while (flock(part->fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fail_errno(err, ERROR_BROKEN, "%s", part->name);
		if (job_check(job, err) < 0)
			return -1;
		int64_t bytes = fstat(part->fd, &status) == 0 ? status.st_size : 0;
		if (!progress.job) {
			build_log_say(
				&job->log, "%s is being fetched by another build: waiting", shown);
			transfer_progress_begin(&progress, job, what, bytes);
		}
		transfer_progress_say(&progress, bytes, -1);
		usleep(LOOK_USEC);
	}
	return 0;
}

int download_part_open(struct download_cache *cache, const char *key, const char *shown,
	struct download_part *part, struct error *err)
{
	*part = (struct download_part){memory_printf("%s.part", key), -1};
	for (;;) {
		part->fd = openat(
			cache->folder, part->name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (part->fd < 0)
			return fail_errno(err, ERROR_BROKEN, "%s/%s", cache->path, part->name);
		if (wait_for_lock(cache, shown, part, err) < 0)
			return -1;
		/* who had it may have sealed or removed it meanwhile */
		if (is_named(cache, part))
			return 0;
		close(TAKE_FD(part->fd));
	}
}

void download_part_close(struct download_part *part)
{
	cleanup_close(&part->fd);
	free(part->name);
	*part = (struct download_part){.fd = -1};
}

static char *read_boot(void)
{
	struct error ignored;
	char *boot = NULL;

	if (file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 256, &boot, NULL, &ignored) < 0)
		return memory_copy_text("");
	boot[strcspn(boot, "\n")] = '\0';
	return boot;
}

void download_part_recall(struct download_cache *cache, const struct download_part *part,
	const char *url, bool pinned, struct transfer *transfer)
{
	autojson struct json *note = read_note(cache, part->name);
	autofree char *boot = read_boot(), *url_digest = digest_url(url);
	struct stat status;

	transfer->have = 0;
	transfer->total = -1;
	if (!note || strcmp(json_get_text(note, "url_digest", ""), url_digest) != 0 ||
		(!pinned && strcmp(json_get_text(note, "boot", ""), boot) != 0) ||
		fstat(part->fd, &status) < 0)
		return;
	transfer->have = status.st_size;
	transfer->total = json_get_integer(note, "total", -1);
	transfer->known.etag = copy_member(note, "etag");
	transfer->known.modified = copy_member(note, "modified");
}

int download_part_remember(struct download_cache *cache, const struct download_part *part,
	const struct transfer *transfer, struct error *err)
{
	autojson struct json *note = json_new_object();
	autofree char *boot = read_boot(), *url_digest = digest_url(transfer->url);

	json_set_text(note, "url_digest", url_digest);
	json_set_text(note, "boot", boot);
	json_set_integer(note, "total", transfer->total);
	set_validators(note, &transfer->known);
	return write_note(cache, part->name, note, err);
}

void download_part_remove(struct download_cache *cache, const struct download_part *part)
{
	remove_with_note(cache, part->name);
}

int download_part_seal(struct download_cache *cache, struct download_part *part,
	const struct digest *digest, int *fd, struct error *err)
{
	autofree char *note = memory_printf("%s.json", part->name);
	char name[DIGEST_HEX_SIZE];

	digest_hex(digest, name);
	if (file_sync(part->fd, part->name, err) < 0)
		return -1;
	if (fchmod(part->fd, 0400) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", part->name);
	FAULT("download-received");
	if (renameat(cache->folder, part->name, cache->folder, name) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s/%s", cache->path, name);
	unlinkat(cache->folder, note, 0);
	FAULT("download-renamed");
	/* the note comes last, and its folder is made lasting with it */
	if (note_file(cache, name, part->fd, err) < 0)
		return -1;
	FAULT("download-sealed");
	if (flock(part->fd, LOCK_SH) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", name);
	*fd = open_locked(cache, name);
	return *fd < 0 ? fail_errno(err, ERROR_BROKEN, "%s/%s", cache->path, name) : 0;
}
