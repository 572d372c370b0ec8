/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/notify.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backends/late_curl.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/process.h"

enum { WORDS_MOST = 64, OUTPUT_MOST = 4096, TIMEOUT_SEC = 30 };

static size_t ignore(char *bytes, size_t size, size_t count, void *context)
{
	(void)bytes, (void)context;
	return size * count;
}

static struct curl_slist *make_headers(const struct json *order)
{
	const char *signature = json_get_text(order, "signature", NULL);
	autofree char *event = memory_printf("X-Kiln-Event: %s", json_get_text(order, "event", ""));
	autofree char *delivery =
		memory_printf("X-Kiln-Delivery: %s", json_get_text(order, "delivery", ""));
	struct curl_slist *headers = late_curl_slist_append(NULL, "Content-Type: application/json");

	headers = late_curl_slist_append(headers, event);
	headers = late_curl_slist_append(headers, delivery);
	if (signature) {
		autofree char *line = memory_printf("X-Kiln-Signature-256: sha256=%s", signature);
		headers = late_curl_slist_append(headers, line);
	}
	return headers;
}

static int post(const struct json *order, const char *url, struct error *err)
{
	const char *body = json_get_text(order, "body", "");
	if (late_load_curl(err) < 0)
		return -1;
	struct curl_slist *headers = make_headers(order);
	CURL *handle = late_curl_easy_init();
	long status = 0;

	late_curl_easy_setopt(handle, CURLOPT_URL, url);
	late_curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
	late_curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
	late_curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body);
	late_curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	late_curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	late_curl_easy_setopt(
		handle, CURLOPT_TIMEOUT, (long)json_get_integer(order, "timeout_sec", TIMEOUT_SEC));
	late_curl_easy_setopt(handle, CURLOPT_USERAGENT, "kiln");
	late_curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, ignore);
	CURLcode code = late_curl_easy_perform(handle);
	late_curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
	late_curl_easy_cleanup(handle);
	late_curl_slist_free_all(headers);
	if (code != CURLE_OK)
		return fail(err, ERROR_TRANSIENT, "%s: %s", url, late_curl_easy_strerror(code));
	if (status < 200 || status > 299)
		return fail(err, ERROR_TRANSIENT, "%s: the server answered %ld", url, status);
	return 0;
}

static int run(const struct json *order, const struct json *command, struct error *err)
{
	const char *arguments[WORDS_MOST + 1] = {0};
	const char *body = json_get_text(order, "body", "");
	CLEANUP(text_clear) struct text said = {0};
	struct process_options options = PROCESS_OPTIONS;
	autoclose int input = memfd_create("body", MFD_CLOEXEC);
	char how[64];

	for (size_t i = 0; i < json_count(command) && i < WORDS_MOST; i++)
		arguments[i] = json_text(json_item(command, i), "");
	if (input < 0 || file_write_all(input, body, strlen(body), err) < 0 ||
		lseek(input, 0, SEEK_SET) < 0)
		return fail(err, ERROR_RESOURCE, "no memory for a notification");
	setenv("KILN_EVENT", json_get_text(order, "event", ""), true);
	options.arguments = arguments;
	options.input = input;
	options.new_session = true;
	int code = process_run(&options, json_get_integer(order, "timeout_sec", TIMEOUT_SEC),
		OUTPUT_MOST, &said, err);
	if (code > 0)
		return fail(err, ERROR_TRANSIENT, "%s: %s: %.*s", arguments[0],
			process_describe(code, how), (int)strcspn(text_get(&said), "\n"),
			text_get(&said));
	return code;
}

int notify_deliver(const struct json *order, struct error *err)
{
	const char *url = json_get_text(order, "url", NULL);

	return url ? post(order, url, err) : run(order, json_get(order, "command"), err);
}
