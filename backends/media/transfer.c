/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/media/transfer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "backends/late_curl.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"

enum {
	CONNECT_TIMEOUT_SEC = 30,
	STALL_BYTES = 100, /* a second, for */
	STALL_SEC = 60,    /* that long: the server hangs */
	REDIRECTS_MOST = 10,
	RETRY_SEC = 1, /* before the second attempt; twice that before the third ... */
	RETRY_MOST_SEC = 30,
	SAY_SEC = 10,
	RECEIVE_SIZE = 256 * 1024,
	WRITE_SIZE = 1024 * 1024,
	MB = 1000 * 1000,
	STATUS_PARTIAL = 206,
	STATUS_UNCHANGED = 304,
	STATUS_BAD_RANGE = 416,
};

void validators_clear(struct validators *validators)
{
	free(validators->etag);
	free(validators->modified);
	*validators = (struct validators){0};
}

bool transfer_is_url(const char *place)
{
	return text_starts_with(place, "http://") || text_starts_with(place, "https://") ||
	       text_starts_with(place, "ftp://");
}

char *transfer_shown_url(const char *url)
{
	const char *scheme = strstr(url, "://");
	const char *host = scheme ? scheme + strlen("://") : url;
	const char *end = host + strcspn(host, "/?#"), *at = memrchr(host, '@', end - host);
	const char *colon = at ? memchr(host, ':', at - host) : NULL;

	if (!colon)
		return memory_copy_text(url);
	return memory_printf("%.*s:***%s", (int)(colon - url), url, at);
}

/* ---- progress ---- */

void transfer_progress_begin(
	struct transfer_progress *progress, struct job *job, const char *what, int64_t bytes)
{
	int64_t now = moment_elapsed_usec();

	*progress = (struct transfer_progress){job, what, bytes, now, now};
}

void transfer_progress_say(struct transfer_progress *progress, int64_t bytes, int64_t total)
{
	int64_t now = moment_elapsed_usec();
	double sec = (double)(now - progress->first_usec) / 1e6;
	CLEANUP(text_clear) struct text line = {0};

	if (now - progress->said_usec < (int64_t)SAY_SEC * 1000000)
		return;
	progress->said_usec = now;
	text_addf(&line, "%s: %lld", progress->what, (long long)(bytes / MB));
	if (total > 0)
		text_addf(&line, " of %lld MB, %d %%", (long long)(total / MB),
			(int)(100.0 * (double)bytes / (double)total));
	else
		text_add(&line, " MB");
	text_addf(&line, ", %.1f MB/s", (double)(bytes - progress->first_bytes) / MB / sec);
	build_log_say(&progress->job->log, "%s", text_get(&line));
}

/* ---- one attempt ---- */

struct attempt {
	struct transfer *transfer;
	CURL *handle;
	struct transfer_progress progress;
	int64_t from;               /* asked for the bytes from here on */
	struct validators said;     /* by the response that is being read */
	int64_t range_from, length; /* likewise; -1: not said */
	bool begun;
	struct text gathered; /* and not yet written: libcurl gives it in small pieces */
	struct error failure; /* of ours */
	char words[CURL_ERROR_SIZE];
};

static void forget_response(struct attempt *attempt)
{
	validators_clear(&attempt->said);
	attempt->range_from = attempt->length = -1;
}

/* The header's value if LINE is one of that name; the caller frees. */
static char *header_value(const char *line, size_t size, const char *name)
{
	size_t length = strlen(name);

	if (size <= length || strncasecmp(line, name, length) != 0 || line[length] != ':')
		return NULL;
	const char *value = line + length + 1, *end = line + size;
	while (value < end && isspace((unsigned char)*value))
		value++;
	while (end > value && isspace((unsigned char)end[-1]))
		end--;
	return memory_copy_bytes(value, end - value);
}

static void keep_header(char **where, const char *line, size_t size, const char *name)
{
	char *value = header_value(line, size, name);

	if (!value)
		return;
	free(*where);
	*where = value;
}

static size_t read_header(char *line, size_t one, size_t size, void *context)
{
	struct attempt *attempt = context;
	long long from;

	(void)one;
	/* after a redirect another response follows */
	if (size > 5 && strncasecmp(line, "HTTP/", 5) == 0)
		forget_response(attempt);
	keep_header(&attempt->said.etag, line, size, "ETag");
	keep_header(&attempt->said.modified, line, size, "Last-Modified");
	autofree char *range = header_value(line, size, "Content-Range");
	if (range && sscanf(range, "bytes %lld-", &from) == 1)
		attempt->range_from = from;
	autofree char *length = header_value(line, size, "Content-Length");
	if (length)
		attempt->length = strtoll(length, NULL, 10);
	return size;
}

/* Room for all of it, so that nobody waits an hour to learn that there is none. */
static int check_room(const struct transfer *transfer, struct error *err)
{
	struct statvfs status;
	int64_t more = transfer->total - transfer->have;

	/* what is small goes into memory */
	if (transfer->most)
		return 0;
	if (job_check_space(transfer->job, err) < 0)
		return -1;
	if (transfer->total < 0 || fstatvfs(transfer->fd, &status) < 0)
		return 0;
	int64_t left = (int64_t)status.f_bavail * (int64_t)status.f_frsize -
	               transfer->job->disk_reserve_bytes;
	if (more <= left)
		return 0;
	return fail(err, ERROR_RESOURCE,
		"%s has %lld MB to fetch, and there is room for %lld MB: kiln gc makes room, "
		"as does a smaller limits.cache_bytes",
		transfer->shown, (long long)(more / MB), (long long)(left > 0 ? left / MB : 0));
}

static int check_size(const struct transfer *transfer, int64_t bytes, struct error *err)
{
	if (!transfer->most || bytes <= transfer->most)
		return 0;
	return fail(err, ERROR_CATALOG, "%s has more than %lld bytes: it is not what it should be",
		transfer->shown, (long long)transfer->most);
}

/* The response is the file: from where on, and what is it known by? */
static int begin(struct attempt *attempt, struct error *err)
{
	struct transfer *transfer = attempt->transfer;
	long status = 0;

	late_curl_easy_getinfo(attempt->handle, CURLINFO_RESPONSE_CODE, &status);
	bool http = !text_starts_with(transfer->url, "ftp:");
	transfer->resumed =
		attempt->from > 0 &&
		(!http || (status == STATUS_PARTIAL && attempt->range_from == attempt->from));
	if (http && status == STATUS_PARTIAL && !transfer->resumed)
		return fail(err, ERROR_TRANSIENT,
			"%s: the server sent another part than it was asked for", transfer->shown);
	if (!transfer->resumed) {
		if (ftruncate(transfer->fd, 0) < 0 || lseek(transfer->fd, 0, SEEK_SET) < 0)
			return fail_errno(err, ERROR_BROKEN, "the download");
		transfer->have = 0;
	}
	if (attempt->length < 0 && !http) {
		curl_off_t size = -1;
		late_curl_easy_getinfo(attempt->handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
		attempt->length = size;
	}
	transfer->total = attempt->length < 0 ? -1 : transfer->have + attempt->length;
	validators_clear(&transfer->known);
	transfer->known = attempt->said;
	attempt->said = (struct validators){0};
	if (check_size(transfer, transfer->total, err) < 0 || check_room(transfer, err) < 0)
		return -1;
	transfer_progress_begin(&attempt->progress, transfer->job, transfer->shown, transfer->have);
	attempt->begun = true;
	return transfer->begun ? transfer->begun(transfer, err) : 0;
}

static int write_gathered(struct attempt *attempt, struct error *err)
{
	struct transfer *transfer = attempt->transfer;
	struct text *gathered = &attempt->gathered;

	if (gathered->size == 0)
		return 0;
	if (file_write_all(transfer->fd, gathered->data, gathered->size, err) < 0)
		return -1;
	transfer->have += (int64_t)gathered->size;
	if (transfer->received)
		transfer->received(transfer, gathered->data, gathered->size);
	text_reset(gathered);
	return 0;
}

static size_t receive(char *bytes, size_t one, size_t size, void *context)
{
	struct attempt *attempt = context;
	struct transfer *transfer = attempt->transfer;
	struct text *gathered = &attempt->gathered;

	(void)one;
	if (!attempt->begun && begin(attempt, &attempt->failure) < 0)
		return 0;
	text_add_bytes(gathered, bytes, size);
	if (check_size(transfer, transfer->have + (int64_t)gathered->size, &attempt->failure) < 0)
		return 0;
	if (gathered->size >= WRITE_SIZE && write_gathered(attempt, &attempt->failure) < 0)
		return 0;
	return size;
}

static int watch(
	void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
	struct attempt *attempt = context;
	struct transfer *transfer = attempt->transfer;

	(void)total, (void)now, (void)up_total, (void)up_now;
	if (job_check(transfer->job, &attempt->failure) < 0 ||
		job_check_space(transfer->job, &attempt->failure) < 0)
		return 1;
	if (attempt->begun)
		transfer_progress_say(&attempt->progress, transfer->have, transfer->total);
	return 0;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
	autofree char *line = memory_printf("%s: %s", name, value);

	return late_curl_slist_append(list, line);
}

/* Conditions on what the server has: a part only of the same file (a weak ETag is not enough), all of it only if it changed. */
static struct curl_slist *make_headers(const struct attempt *attempt)
{
	const struct validators *known = &attempt->transfer->known;
	struct curl_slist *list = NULL;
	bool strong = known->etag && known->etag[0] == '"';

	if (attempt->from > 0 && strong)
		list = add_header(list, "If-Range", known->etag);
	else if (attempt->from > 0 && known->modified)
		list = add_header(list, "If-Range", known->modified);
	if (attempt->transfer->only_if_changed && known->etag)
		list = add_header(list, "If-None-Match", known->etag);
	else if (attempt->transfer->only_if_changed && known->modified)
		list = add_header(list, "If-Modified-Since", known->modified);
	return list;
}

static void set_options(struct attempt *attempt)
{
	CURL *handle = attempt->handle;
	const struct transfer *transfer = attempt->transfer;
	/* what came safely must not go on in the clear, unless a checksum tells */
	bool strict = text_starts_with(transfer->url, "https:") && !transfer->pinned;

	late_curl_easy_setopt(handle, CURLOPT_URL, transfer->url);
	late_curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https,ftp");
	late_curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, strict ? "https" : "http,https");
	late_curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
	late_curl_easy_setopt(handle, CURLOPT_MAXREDIRS, (long)REDIRECTS_MOST);
	late_curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
	late_curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	late_curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_SEC);
	late_curl_easy_setopt(handle, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)STALL_SEC);
	late_curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES);
	late_curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, (long)STALL_SEC);
	late_curl_easy_setopt(handle, CURLOPT_USERAGENT, "kiln/" KILN_VERSION);
	late_curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, attempt->words);
	late_curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, read_header);
	late_curl_easy_setopt(handle, CURLOPT_HEADERDATA, attempt);
	late_curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive);
	late_curl_easy_setopt(handle, CURLOPT_WRITEDATA, attempt);
	late_curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, (long)RECEIVE_SIZE);
	late_curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
	late_curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, watch);
	late_curl_easy_setopt(handle, CURLOPT_XFERINFODATA, attempt);
}

/* OpenSSL's own variables, which libcurl passes over where it was built with a bundle of its own. */
static void set_authorities(CURL *handle)
{
	const char *file = getenv("SSL_CERT_FILE"), *folder = getenv("SSL_CERT_DIR");

	if (file && *file)
		late_curl_easy_setopt(handle, CURLOPT_CAINFO, file);
	if (folder && *folder)
		late_curl_easy_setopt(handle, CURLOPT_CAPATH, folder);
}

/* What the server said no to will be no the next time too; what did not come may come. */
static bool may_help(CURLcode code, long status)
{
	switch (code) {
	case CURLE_HTTP_RETURNED_ERROR:
		return status >= 500 || status == 429 || status == 408 ||
		       status == STATUS_BAD_RANGE;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_TOO_MANY_REDIRECTS:
	case CURLE_REMOTE_FILE_NOT_FOUND:
	case CURLE_FTP_COULDNT_RETR_FILE:
	case CURLE_REMOTE_ACCESS_DENIED:
	case CURLE_LOGIN_DENIED:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_ABORTED_BY_CALLBACK:
		return false;
	default:
		return true;
	}
}

static int tell(
	const struct attempt *attempt, CURLcode code, long status, bool *again, struct error *err)
{
	const char *shown = attempt->transfer->shown;

	if (attempt->failure.kind != ERROR_NONE) {
		*again = attempt->failure.kind == ERROR_TRANSIENT && code == CURLE_WRITE_ERROR;
		*err = attempt->failure;
		return -1;
	}
	*again = may_help(code, status);
	enum error_kind kind = *again ? ERROR_TRANSIENT : ERROR_CATALOG;
	if (code == CURLE_HTTP_RETURNED_ERROR)
		return fail(err, kind, "%s: the server answered %ld", shown, status);
	return fail(err, kind, "%s: %s", shown,
		*attempt->words ? attempt->words : late_curl_easy_strerror(code));
}

static int perform(struct attempt *attempt, bool *again, struct error *err)
{
	struct transfer *transfer = attempt->transfer;
	struct curl_slist *headers = make_headers(attempt);
	autofree char *range = memory_printf("%lld-", (long long)attempt->from);
	long status = 0, changed = 0;

	set_options(attempt);
	set_authorities(attempt->handle);
	late_curl_easy_setopt(attempt->handle, CURLOPT_HTTPHEADER, headers);
	if (attempt->from > 0)
		late_curl_easy_setopt(attempt->handle, CURLOPT_RANGE, range);
	CURLcode code = late_curl_easy_perform(attempt->handle);
	late_curl_easy_getinfo(attempt->handle, CURLINFO_RESPONSE_CODE, &status);
	late_curl_easy_getinfo(attempt->handle, CURLINFO_CONDITION_UNMET, &changed);
	late_curl_slist_free_all(headers);
	/* also of what broke off: the next attempt goes on from there */
	if (attempt->failure.kind == ERROR_NONE && write_gathered(attempt, &attempt->failure) < 0)
		code = CURLE_WRITE_ERROR;
	if (code == CURLE_OK && (status == STATUS_UNCHANGED || changed)) {
		transfer->unchanged = true;
		return 0;
	}
	/* an empty file has a response and no bytes */
	if (code == CURLE_OK && !attempt->begun)
		return begin(attempt, err);
	if (code == CURLE_OK)
		return 0;
	/* there is more here than there: from the beginning */
	if (status == STATUS_BAD_RANGE || code == CURLE_FTP_COULDNT_USE_REST)
		transfer->have = 0;
	return tell(attempt, code, status, again, err);
}

static int attempt_once(struct transfer *transfer, bool *again, struct error *err)
{
	if (late_load_curl(err) < 0)
		return -1;
	struct attempt attempt = {.transfer = transfer, .handle = late_curl_easy_init()};
	bool known = transfer->known.etag || transfer->known.modified;

	if (!attempt.handle)
		return fail(err, ERROR_BROKEN, "libcurl does not start");
	forget_response(&attempt);
	attempt.from = known || transfer->pinned ? transfer->have : 0;
	int result = lseek(transfer->fd, attempt.from, SEEK_SET) < 0
	                     ? fail_errno(err, ERROR_BROKEN, "the download")
	                     : perform(&attempt, again, err);
	late_curl_easy_cleanup(attempt.handle);
	validators_clear(&attempt.said);
	text_clear(&attempt.gathered);
	return result;
}

/* ---- attempts ---- */

static int wait_for(struct job *job, int64_t sec, struct error *err)
{
	int64_t until = moment_elapsed_usec() + sec * 1000000;

	while (moment_elapsed_usec() < until) {
		if (job_check(job, err) < 0)
			return -1;
		usleep(100 * 1000); /* a signal ends it early */
	}
	return 0;
}

int transfer_run(struct transfer *transfer, int tries, struct error *err)
{
	int64_t pause = RETRY_SEC;

	transfer->total = -1;
	for (int attempt = 1;; attempt++) {
		int64_t before = transfer->have;
		bool again = false;
		if (attempt_once(transfer, &again, err) == 0)
			return 0;
		if (transfer->have > before + MB) {
			attempt = 1;
			pause = RETRY_SEC;
		}
		if (!again || attempt >= tries)
			return -1;
		build_log_say(&transfer->job->log, "%s; trying again in %lld seconds", err->text,
			(long long)pause);
		if (wait_for(transfer->job, pause, err) < 0)
			return -1;
		pause = 2 * pause < RETRY_MOST_SEC ? 2 * pause : RETRY_MOST_SEC;
	}
}

int transfer_read(
	struct job *job, const char *url, size_t most, struct text *out, struct error *err)
{
	autofree char *shown = transfer_shown_url(url);
	autoclose int fd = memfd_create("transfer", MFD_CLOEXEC);
	struct transfer transfer = {
		.job = job, .url = url, .shown = shown, .fd = fd, .most = (int64_t)most};

	if (fd < 0)
		return fail_errno(err, ERROR_RESOURCE, "no memory for %s", shown);
	int result = transfer_run(&transfer, TRANSFER_TRIES, err);
	validators_clear(&transfer.known);
	if (result < 0)
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0 || file_read_fd(fd, most, out, err) < 0)
		return fail_while(err, "%s", shown);
	return 0;
}
