/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/download.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

enum {
	TRIES = 3,
	CONNECT_TIMEOUT_SEC = 30,
	STALL_BYTES = 100, /* a second, for */
	STALL_SEC = 60,    /* that long: the server hangs */
	RETRY_SEC = 2,
};

struct transfer {
	struct job *job;
	int fd;
	struct error failure;
};

static size_t receive(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;

	if (file_write_all(transfer->fd, bytes, size * count, &transfer->failure) < 0)
		return 0;
	return size * count;
}

static int watch(
	void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
	struct transfer *transfer = context;

	(void)total, (void)now, (void)up_total, (void)up_now;
	if (job_check(transfer->job, &transfer->failure) < 0)
		return 1;
	return job_check_space(transfer->job, &transfer->failure) < 0;
}

static CURL *make_handle(const char *url, struct transfer *transfer, int64_t resume_from)
{
	CURL *handle = curl_easy_init();

	if (!handle)
		return NULL;
	curl_easy_setopt(handle, CURLOPT_URL, url);
	curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(handle, CURLOPT_MAXREDIRS, 10L);
	curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_SEC);
	curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES);
	curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, (long)STALL_SEC);
	curl_easy_setopt(handle, CURLOPT_USERAGENT, "kiln");
	curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, watch);
	curl_easy_setopt(handle, CURLOPT_XFERINFODATA, transfer);
	if (resume_from > 0)
		curl_easy_setopt(handle, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)resume_from);
	return handle;
}

/* What the server said no to will be no the next time too; what did not come may come. */
static bool is_worth_another_try(CURLcode code, long status)
{
	if (code == CURLE_HTTP_RETURNED_ERROR)
		return status >= 500 || status == 429 || status == 408;
	return code != CURLE_URL_MALFORMAT && code != CURLE_UNSUPPORTED_PROTOCOL &&
	       code != CURLE_ABORTED_BY_CALLBACK && code != CURLE_WRITE_ERROR;
}

static int fetch_once(const char *url, struct transfer *transfer, bool *again, struct error *err)
{
	struct stat status;
	long http = 0;

	transfer->failure.kind = ERROR_NONE;
	if (fstat(transfer->fd, &status) < 0 || lseek(transfer->fd, 0, SEEK_END) < 0)
		return fail_errno(err, ERROR_BROKEN, "the download");
	CURL *handle = make_handle(url, transfer, status.st_size);
	if (!handle)
		return fail(err, ERROR_BROKEN, "libcurl does not start");
	CURLcode code = curl_easy_perform(handle);
	curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &http);
	curl_easy_cleanup(handle);
	/* a server that cannot resume, or that has nothing more: from the beginning */
	if (code == CURLE_RANGE_ERROR || http == 416) {
		*again = ftruncate(transfer->fd, 0) == 0;
		return fail(err, ERROR_TRANSIENT, "%s: it cannot be resumed", url);
	}
	if (code == CURLE_OK)
		return 0;
	*again = is_worth_another_try(code, http);
	if (transfer->failure.kind != ERROR_NONE) {
		*err = transfer->failure;
		return -1;
	}
	if (code == CURLE_HTTP_RETURNED_ERROR)
		return fail(err, *again ? ERROR_TRANSIENT : ERROR_CATALOG,
			"%s: the server answered %ld", url, http);
	return fail(err, ERROR_TRANSIENT, "%s: %s", url, curl_easy_strerror(code));
}

static int fetch(const char *url, struct transfer *transfer, struct error *err)
{
	for (int attempt = 1;; attempt++) {
		bool again = false;
		if (fetch_once(url, transfer, &again, err) == 0)
			return 0;
		if (!again || attempt == TRIES)
			return -1;
		build_log_say(&transfer->job->log, "%s; trying again", err->text);
		sleep(RETRY_SEC);
	}
}

static int check_digest(int fd, const char *url, const struct digest *wanted, struct error *err)
{
	char is[DIGEST_TEXT_SIZE], should[DIGEST_TEXT_SIZE];
	struct digest found;

	if (lseek(fd, 0, SEEK_SET) < 0 || digest_of_fd(fd, &found, err) < 0)
		return fail_while(err, "%s", url);
	if (digest_equal(&found, wanted))
		return lseek(fd, 0, SEEK_SET) < 0 ? fail_errno(err, ERROR_BROKEN, "%s", url) : 0;
	return fail(err, ERROR_CATALOG, "%s is %s, and base_checksum says %s", url,
		digest_text(&found, is), digest_text(wanted, should));
}

int download_open(struct job *job, const char *url, const struct digest *digest, struct error *err)
{
	const char *state = json_get_text(job->order, "state", "");
	autofree char *folder_path = memory_printf("%s/cache/downloads", state);
	autoclose int folder = folder_make(AT_FDCWD, folder_path, 0700, err);
	char hex[DIGEST_HEX_SIZE];
	struct error ignored;

	if (folder < 0)
		return -1;
	digest_hex(digest, hex);
	autofree char *partial = memory_printf("%s.part", hex);
	autoclose int kept = openat(folder, hex, O_RDONLY | O_CLOEXEC);
	if (kept >= 0 && check_digest(kept, url, digest, &ignored) == 0)
		return TAKE_FD(kept);
	struct transfer transfer = {.job = job};
	transfer.fd = openat(folder, partial, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	autoclose int fd = transfer.fd;
	if (fd < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", partial);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) { /* another build fetches the same */
		if (job_check(job, err) < 0)
			return -1;
		usleep(200 * 1000);
	}
	build_log_say(&job->log, "fetching %s", url);
	if (fetch(url, &transfer, err) < 0)
		return -1;
	if (check_digest(fd, url, digest, err) < 0) {
		unlinkat(folder, partial, 0);
		return -1;
	}
	if (file_sync(fd, partial, err) < 0)
		return -1;
	if (renameat(folder, partial, folder, hex) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", hex);
	return TAKE_FD(fd);
}
