/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/media/download.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/media/download_cache.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

enum { SUMS_MOST = 16 * 1024 * 1024 };

/* One wish, its checksum being known. */
struct wish {
	struct job *job;
	const struct download *download;
	struct checksum checksum;
	struct download_cache cache;
	struct downloaded *downloaded;
};

void downloaded_clear(struct downloaded *downloaded)
{
	cleanup_close(&downloaded->fd);
	free(downloaded->path);
	*downloaded = (struct downloaded){.fd = -1};
}

static bool is_pinned(const struct wish *wish)
{
	return wish->checksum.form == CHECKSUM_DIGEST;
}

/* ---- its content ---- */

static enum digest_kind digest_kind(const struct wish *wish)
{
	return is_pinned(wish) ? wish->checksum.kind : DIGEST_SHA256;
}

/* 1 if what DIGESTS were made of is what is wanted, 0 and an error if it is not. */
static int check_content(struct wish *wish, struct download_digests *digests, const char *shown,
	struct digest *digest, struct error *err)
{
	struct checksum found = {.form = CHECKSUM_DIGEST, .kind = digest_kind(wish)};
	char is[CHECKSUM_TEXT_SIZE], wanted[CHECKSUM_TEXT_SIZE];

	download_digests_end(digests, digest, found.bytes);
	if (!is_pinned(wish) || checksum_equal(&found, &wish->checksum))
		return 1;
	error_set(err, ERROR_CATALOG, "%s is %s, and %s says %s", shown, checksum_text(&found, is),
		wish->download->checksum_name, checksum_text(&wish->checksum, wanted));
	return 0;
}

/* The first SIZE bytes of FD begin what is checked next. */
static int digest_first(struct wish *wish, struct download_digests *digests, int fd, int64_t size,
	const char *shown, struct error *err)
{
	download_digests_begin(digests, digest_kind(wish));
	return download_digests_read(digests, wish->job, fd, size, err) < 0
	               ? fail_while(err, "%s", shown)
	               : 0;
}

/* ---- files of this machine ---- */

static const char *local_path(const char *url)
{
	return text_starts_with(url, "file://") ? url + strlen("file://") : url;
}

/* The path that an open file has by now: no link is left in it. */
static char *path_of_fd(int fd)
{
	autofree char *link = memory_printf("/proc/self/fd/%d", fd);
	char path[PATH_MAX];
	ssize_t size = readlink(link, path, sizeof(path) - 1);

	return memory_copy_bytes(path, size < 0 ? 0 : (size_t)size);
}

static int use_local(struct wish *wish, const char *url, struct error *err)
{
	struct downloaded *downloaded = wish->downloaded;
	CLEANUP(download_digests_clear) struct download_digests digests = {0};
	struct stat status;

	autoclose int fd = job_open_path(wish->job, local_path(url), O_RDONLY, 0, err);
	if (fd < 0)
		return -1;
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return fail(err, ERROR_CATALOG, "%s is no file", url);
	if (digest_first(wish, &digests, fd, INT64_MAX, url, err) < 0 ||
		check_content(wish, &digests, url, &downloaded->digest, err) <= 0)
		return -1;
	autofree char *own = path_of_fd(wish->job->folder_fd), *below = memory_printf("%s/", own);
	downloaded->path = path_of_fd(fd);
	downloaded->lasting = !text_starts_with(downloaded->path, below);
	downloaded->fd = TAKE_FD(fd);
	return 0;
}

/* ---- files of servers ---- */

/* It is there under DIGEST: 1. */
static int use_kept(struct wish *wish, const struct digest *digest, struct error *err)
{
	char hex[DIGEST_HEX_SIZE];
	int found = download_cache_find(&wish->cache, digest, &wish->downloaded->fd, err);

	if (found <= 0)
		return found;
	wish->downloaded->path = memory_printf("%s/%s", wish->cache.path, digest_hex(digest, hex));
	wish->downloaded->lasting = !wish->download->private;
	wish->downloaded->digest = *digest;
	return 1;
}

/* The same by what is pinned. */
static int use_pinned(struct wish *wish, const char *key, struct error *err)
{
	CLEANUP(validators_clear) struct validators ignored = {0};
	struct digest digest;

	if (wish->checksum.kind == DIGEST_SHA256)
		memcpy(digest.bytes, wish->checksum.bytes, DIGEST_SIZE);
	else if (!download_cache_recall(&wish->cache, key, &digest, &ignored))
		return 0;
	return use_kept(wish, &digest, err);
}

struct fetching {
	struct wish *wish;
	struct download_part part;
	struct download_digests digests; /* of the part, as far as it is there */
};

static int begin_part(struct transfer *transfer, struct error *err)
{
	struct fetching *fetching = transfer->context;

	if (digest_first(fetching->wish, &fetching->digests, fetching->part.fd, transfer->have,
		    transfer->shown, err) < 0)
		return -1;
	return download_part_remember(&fetching->wish->cache, &fetching->part, transfer, err);
}

static void add_to_part(struct transfer *transfer, const void *bytes, size_t size)
{
	struct fetching *fetching = transfer->context;

	download_digests_add(&fetching->digests, bytes, size);
}

/* How often one place is asked: where there is another, that is tried before this one again. */
static int count_tries(const struct wish *wish, const char *url)
{
	const struct strings *urls = wish->download->urls;

	return strcmp(urls->items[urls->count - 1], url) == 0 ? TRANSFER_TRIES : 1;
}

/* All of it into the part, and its digest: 1. 0 and an error if it is not what was wanted. */
static int fetch_part(struct fetching *fetching, struct transfer *transfer, struct digest *digest,
	struct error *err)
{
	struct wish *wish = fetching->wish;
	int64_t had = transfer->have;

	if (had > 0)
		build_log_say(&wish->job->log, "fetching %s, from byte %lld on", transfer->shown,
			(long long)had);
	else
		build_log_say(&wish->job->log, "fetching %s", transfer->shown);
	/* all but sealed by a worker that was killed */
	bool whole = had != 0 && had == transfer->total;
	if (whole ? digest_first(wish, &fetching->digests, fetching->part.fd, had, transfer->shown,
			    err) < 0
		  : transfer_run(transfer, count_tries(wish, transfer->url), err) < 0)
		return -1;
	if (transfer->unchanged)
		return 1;
	int good = check_content(wish, &fetching->digests, transfer->shown, digest, err);
	if (good != 0 || had == 0)
		return good;
	/* the part from before may be what is wrong */
	build_log_say(&wish->job->log, "%s: fetching all of it again", err->text);
	transfer->have = 0;
	validators_clear(&transfer->known);
	if (transfer_run(transfer, count_tries(wish, transfer->url), err) < 0)
		return -1;
	return check_content(wish, &fetching->digests, transfer->shown, digest, err);
}

static int seal_part(struct fetching *fetching, struct transfer *transfer, const char *key,
	const struct digest *digest, struct error *err)
{
	struct wish *wish = fetching->wish;
	char hex[DIGEST_HEX_SIZE], text[DIGEST_TEXT_SIZE];

	if (download_part_seal(&wish->cache, &fetching->part, digest, &wish->downloaded->fd, err) <
		0)
		return -1;
	if (strcmp(key, digest_hex(digest, hex)) != 0 &&
		download_cache_remember(
			&wish->cache, key, transfer->url, digest, &transfer->known, err) < 0)
		return -1;
	wish->downloaded->path = memory_printf("%s/%s", wish->cache.path, hex);
	wish->downloaded->lasting = !wish->download->private;
	wish->downloaded->digest = *digest;
	build_log_say(&wish->job->log, "%s is %s, %lld bytes", transfer->shown,
		digest_text(digest, text), (long long)transfer->have);
	return 0;
}

/* With the part locked: nobody else fetches it. */
static int fetch_locked(
	struct fetching *fetching, struct transfer *transfer, const char *key, struct error *err)
{
	struct wish *wish = fetching->wish;
	CLEANUP(validators_clear) struct validators kept = {0};
	struct digest digest, known;
	bool have_kept = false;

	/* somebody may have been faster */
	if (is_pinned(wish)) {
		int found = use_pinned(wish, key, err);
		if (found)
			return found < 0 ? -1 : 0;
	}
	download_part_recall(
		&wish->cache, &fetching->part, transfer->url, is_pinned(wish), transfer);
	if (!is_pinned(wish) && transfer->have == 0 &&
		download_cache_recall(&wish->cache, key, &known, &kept)) {
		int found = use_kept(wish, &known, err);
		if (found < 0)
			return -1;
		have_kept = found > 0;
		transfer->only_if_changed = have_kept && (kept.etag || kept.modified);
		if (transfer->only_if_changed) {
			validators_clear(&transfer->known);
			transfer->known = kept;
			kept = (struct validators){0};
		}
	}
	int good = fetch_part(fetching, transfer, &digest, err);
	if (good == 0)
		download_part_remove(&wish->cache, &fetching->part);
	if (good > 0 && transfer->unchanged) {
		build_log_say(&wish->job->log, "%s has not changed", transfer->shown);
		download_part_remove(&wish->cache, &fetching->part);
		return 0;
	}
	if (have_kept)
		downloaded_clear(wish->downloaded);
	return good <= 0 ? -1 : seal_part(fetching, transfer, key, &digest, err);
}

static int fetch(struct wish *wish, const char *url, struct error *err)
{
	autofree char *key = download_cache_key(&wish->checksum, url);
	autofree char *shown = transfer_shown_url(url);
	struct fetching fetching = {wish, {.fd = -1}, {0}};
	struct transfer transfer = {.job = wish->job,
		.url = url,
		.shown = shown,
		.pinned = is_pinned(wish),
		.begun = begin_part,
		.received = add_to_part,
		.context = &fetching};

	if (wish->cache.folder < 0 &&
		download_cache_open(&wish->cache, wish->job, !wish->download->private, err) < 0)
		return -1;
	int found = is_pinned(wish) ? use_pinned(wish, key, err) : 0;
	if (found)
		return found < 0 ? -1 : 0;
	int result = download_part_open(&wish->cache, key, shown, &fetching.part, err);
	transfer.fd = fetching.part.fd;
	if (result == 0)
		result = fetch_locked(&fetching, &transfer, key, err);
	validators_clear(&transfer.known);
	download_digests_clear(&fetching.digests);
	download_part_close(&fetching.part);
	return result;
}

/* ---- the checksum ---- */

static int read_sums(struct wish *wish, const char *place, struct text *sums, struct error *err)
{
	if (transfer_is_url(place))
		return transfer_read(wish->job, place, SUMS_MOST, sums, err);
	autoclose int fd = job_open_path(wish->job, local_path(place), O_RDONLY, 0, err);
	if (fd < 0)
		return -1;
	return file_read_fd(fd, SUMS_MOST, sums, err) < 0 ? fail_while(err, "%s", place) : 0;
}

static int find_checksum(struct wish *wish, struct error *err)
{
	const struct download *download = wish->download;
	const char *name = download->checksum_name;
	CLEANUP(text_clear) struct text sums = {0};
	char text[CHECKSUM_TEXT_SIZE];

	if (checksum_parse(download->checksum, name, &wish->checksum, err) < 0)
		return -1;
	if (wish->checksum.form != CHECKSUM_FILE)
		return 0;
	const char *place = wish->checksum.file;
	autofree char *shown = transfer_shown_url(place);
	if (read_sums(wish, place, &sums, err) < 0)
		return fail_while(err, "%s", name);
	strings_each (url, download->urls) {
		autofree char *named = transfer_shown_url(url);
		if (!checksum_find(
			    text_get(&sums), local_path(place), local_path(url), &wish->checksum))
			continue;
		build_log_say(&wish->job->log, "%s says that %s is %s", shown, named,
			checksum_text(&wish->checksum, text));
		return 0;
	}
	autofree char *named = transfer_shown_url(download->urls->items[0]);
	return fail(err, ERROR_CATALOG, "%s: %s has no checksum of %s", name, shown, named);
}

/* ---- in turn ---- */

static int get_one(struct wish *wish, const char *url, struct error *err)
{
	if (transfer_is_url(url))
		return fetch(wish, url, err);
	if (strstr(url, "://") && !text_starts_with(url, "file://"))
		return fail(err, ERROR_CATALOG,
			"%s: only http, https, ftp and file URLs are fetched", url);
	return use_local(wish, url, err);
}

/* Another place is no help against these. */
static bool is_ours(struct job *job, const struct error *failure)
{
	struct error ignored;

	return failure->kind == ERROR_RESOURCE || failure->kind == ERROR_BROKEN ||
	       failure->kind == ERROR_CONFLICT || job_check(job, &ignored) < 0;
}

static int try_all(struct wish *wish, struct error *err)
{
	const struct strings *urls = wish->download->urls;
	CLEANUP(strings_clear) struct strings reasons = {0};
	bool may_pass = false;

	strings_each (url, urls) {
		struct error reason;
		downloaded_clear(wish->downloaded);
		if (get_one(wish, url, &reason) == 0)
			return 0;
		if (urls->count == 1 || is_ours(wish->job, &reason)) {
			*err = reason;
			return -1;
		}
		build_log_say(&wish->job->log, "%s", reason.text);
		may_pass |= reason.kind == ERROR_TRANSIENT;
		strings_add(&reasons, reason.text);
	}
	if (!urls->count)
		return fail(err, ERROR_CATALOG, "there is no URL to fetch it from");
	autofree char *all = strings_join(&reasons, "; ");
	return fail(err, may_pass ? ERROR_TRANSIENT : ERROR_CATALOG,
		"none of %zu places has it: %s", urls->count, all);
}

int download_get(struct job *job, const struct download *download, struct downloaded *downloaded,
	struct error *err)
{
	struct wish wish = {.job = job,
		.download = download,
		.cache = {.folder = -1},
		.downloaded = downloaded};

	*downloaded = (struct downloaded){.fd = -1};
	int result = find_checksum(&wish, err) < 0 ? -1 : try_all(&wish, err);
	download_cache_close(&wish.cache);
	return result;
}
