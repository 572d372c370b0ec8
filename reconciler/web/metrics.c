/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"

enum {
	READY_USEC = 1000 * 1000,
	WAIT_USEC = 3 * 1000 * 1000, /* less than a scraper has patience */
};

/* Source: https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4. */
#define FORMAT "text/plain; version=0.0.4; charset=utf-8"

static void add_family(struct text *out, const char *name, const char *type, const char *help)
{
	text_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_value(struct text *out, const char *name, double value)
{
	text_addf(out, "%s %.17g\n", name, value);
}

static void add_one(
	struct text *out, const char *name, const char *type, const char *help, double value)
{
	add_family(out, name, type, help);
	add_value(out, name, value);
}

static void add_label(struct text *out, const char *name, const char *value)
{
	text_addf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			text_add(out, "\\n");
		else if (*value == '"' || *value == '\\')
			text_addf(out, "\\%c", *value);
		else
			text_add_char(out, *value);
	}
	text_add_char(out, '"');
}

/* ---- what kilnd knows ---- */

/* Builds that ended by how they did: a version stays a success, whatever became of it. */
static const struct {
	const char *phase, *result;
} results[] = {{"live", "success"}, {"superseded", "success"}, {"retiring", "success"},
	{"retired", "success"}, {"failed", "failed"}, {"cancelled", "cancelled"},
	{"unneeded", "unneeded"}};

enum { RESULTS = sizeof(results) / sizeof(*results) };

static int64_t sum(const struct json *phases, const char *result, const char *what)
{
	int64_t total = 0;

	for (size_t i = 0; i < RESULTS; i++)
		if (strcmp(results[i].result, result) == 0)
			total += json_get_integer(json_get(phases, results[i].phase), what, 0);
	return total;
}

static void add_builds(struct text *out, const struct json *phases)
{
	static const char *const names[] = {"success", "failed", "cancelled", "unneeded"};

	add_family(out, "kiln_builds_total", "counter", "Builds that ended, by how they did.");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		text_addf(out, "kiln_builds_total{result=\"%s\"} %" PRId64 "\n", names[i],
			sum(phases, names[i], "builds"));
	add_family(out, "kiln_build_seconds", "summary",
		"Seconds from the start of a build to its end.");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		text_addf(out,
			"kiln_build_seconds_sum{result=\"%s\"} %.6f\n"
			"kiln_build_seconds_count{result=\"%s\"} %" PRId64 "\n",
			names[i], (double)sum(phases, names[i], "usec") / 1e6, names[i],
			sum(phases, names[i], "timed"));
}

static void add_images(struct text *out, const struct json *answer)
{
	const struct json *phases = json_get(answer, "phases");

	add_family(out, "kiln_images", "gauge", "Images, by the phase of their newest build.");
	json_each_member (phase, phases)
		text_addf(out, "kiln_images{phase=\"%s\"} %" PRId64 "\n", phase.key,
			json_get_integer(phase.value, "images", 0));
	add_one(out, "kiln_images_held", "gauge", "Images that are held.",
		(double)json_get_integer(answer, "held", 0));
	add_one(out, "kiln_events_total", "counter", "Events of the audit history.",
		(double)json_get_integer(answer, "events", 0));
}

static void add_ages(struct text *out, const struct json *live)
{
	int64_t now_usec = moment_now_usec();

	add_family(out, "kiln_live_age_seconds", "gauge",
		"Seconds since a build last gave the live version.");
	for (size_t i = 0; i < json_count(live); i++) {
		const struct json *item = json_item(live, i);
		text_add(out, "kiln_live_age_seconds{");
		add_label(out, "repository", json_get_text(item, "repository", ""));
		text_add_char(out, ',');
		add_label(out, "image", json_get_text(item, "image", ""));
		text_addf(out, "} %.3f\n",
			(double)(now_usec - json_get_integer(item, "confirmed_usec", now_usec)) /
				1e6);
	}
}

/* What only a daemon has: a one-shot plans nothing by itself. */
static void add_daemon(struct text *out, const struct json *answer)
{
	const struct json *polls = json_get(answer, "polls");

	if (json_get(answer, "last_plan_seconds"))
		add_one(out, "kiln_last_plan_seconds", "gauge", "Seconds that the last plan took.",
			json_real(json_get(answer, "last_plan_seconds"), 0));
	if (!json_count(polls))
		return;
	add_family(out, "kiln_last_poll_timestamp_seconds", "gauge",
		"When the repository was last looked at with success.");
	for (size_t i = 0; i < json_count(polls); i++) {
		const struct json *poll = json_item(polls, i);
		text_add(out, "kiln_last_poll_timestamp_seconds{");
		add_label(out, "repository", json_get_text(poll, "repository", ""));
		text_addf(out, "} %.3f\n", (double)json_get_integer(poll, "usec", 0) / 1e6);
	}
}

static void add_kilnd(struct text *out, struct web *web)
{
	autojson struct json *answer = NULL;
	struct error ignored;

	bool up = kilnd_ask_within(&web->kilnd, WAIT_USEC, "metrics", json_new_object(), &answer,
			  &ignored) == 0 &&
	          answer;
	add_one(out, "kiln_up", "gauge", "Whether kilnd answers.", up);
	if (!up)
		return;
	add_family(out, "kiln_version_info", "gauge", "The version of kilnd that answers.");
	text_add(out, "kiln_version_info{");
	add_label(out, "version", json_get_text(answer, "version", ""));
	text_add(out, "} 1\n");
	add_images(out, answer);
	add_builds(out, json_get(answer, "phases"));
	add_ages(out, json_get(answer, "live"));
	add_daemon(out, answer);
}

/* ---- our own ---- */

static void add_web(struct text *out, struct web *web)
{
	static const char *const hooks[HOOK_RESULT_COUNT] = {[HOOK_ACCEPTED] = "accepted",
		[HOOK_IGNORED] = "ignored",
		[HOOK_REPLAYED] = "replayed",
		[HOOK_REFUSED] = "refused",
		[HOOK_UNKNOWN] = "unknown",
		[HOOK_LIMITED] = "limited"};
	int64_t passed_on, waiting;

	add_family(out, "kiln_hooks_total", "counter", "Webhooks, by what became of them.");
	for (enum hook_result result = 0; result < HOOK_RESULT_COUNT; result++)
		text_addf(out, "kiln_hooks_total{result=\"%s\"} %lld\n", hooks[result],
			(long long)atomic_load(&web->hooks[result]));
	polls_count(web->polls, &passed_on, &waiting);
	add_one(out, "kiln_web_polls_total", "counter", "Polls that kilnd was asked for.",
		(double)passed_on);
	add_one(out, "kiln_web_polls_waiting", "gauge",
		"Repositories that hooks want to be looked at, and kilnd was not asked yet.",
		(double)waiting);
	add_family(out, "kiln_web_responses_total", "counter", "HTTP responses, by their class.");
	for (int hundreds = 2; hundreds < 6; hundreds++)
		text_addf(out, "kiln_web_responses_total{class=\"%dxx\"} %lld\n", hundreds,
			(long long)atomic_load(&web->responses[hundreds]));
	add_one(out, "kiln_web_connections", "gauge", "Open connections.",
		atomic_load(&web->connections));
	add_one(out, "kiln_web_streams", "gauge", "Logs that are being followed.",
		atomic_load(&web->streams));
}

/* Fields 22 to 24 of proc(5)'s stat: start, virtual and resident memory. */
static void read_stat(double *start_sec, double *virtual_bytes, double *resident_bytes)
{
	FILE *file = fopen("/proc/self/stat", "re");
	char line[1024] = "";
	unsigned long long start = 0;
	unsigned long size = 0;
	long pages = 0;

	*start_sec = *virtual_bytes = *resident_bytes = 0;
	if (file) {
		size_t got = fread(line, 1, sizeof(line) - 1, file);
		line[got] = '\0';
		fclose(file);
	}
	if (!strrchr(line, ')'))
		return;
	sscanf(strrchr(line, ')') + 1,
		" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu "
		"%lu %ld",
		&start, &size, &pages);
	struct timespec booted;
	clock_gettime(CLOCK_BOOTTIME, &booted);
	*start_sec = (double)time(NULL) - (double)booted.tv_sec +
	             (double)start / (double)sysconf(_SC_CLK_TCK);
	*virtual_bytes = (double)size;
	*resident_bytes = (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static int count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	while (folder && readdir(folder))
		count++;
	if (folder)
		closedir(folder);
	return count > 3 ? count - 3 : 0; /* ".", "..", and the folder itself */
}

/* Under the names that Prometheus' own libraries give them. */
static void add_process(struct text *out)
{
	struct rusage usage;
	struct rlimit descriptors;
	double start_sec, virtual_bytes, resident_bytes;

	getrusage(RUSAGE_SELF, &usage);
	getrlimit(RLIMIT_NOFILE, &descriptors);
	read_stat(&start_sec, &virtual_bytes, &resident_bytes);
	add_one(out, "process_cpu_seconds_total", "counter",
		"Processor seconds of kiln-web, user and system.",
		(double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	add_one(out, "process_resident_memory_bytes", "gauge", "Resident memory of kiln-web.",
		resident_bytes);
	add_one(out, "process_virtual_memory_bytes", "gauge", "Virtual memory of kiln-web.",
		virtual_bytes);
	add_one(out, "process_start_time_seconds", "gauge", "When kiln-web was started.",
		start_sec);
	add_one(out, "process_open_fds", "gauge", "Open descriptors of kiln-web.",
		count_descriptors());
	add_one(out, "process_max_fds", "gauge", "How many it may have.",
		(double)descriptors.rlim_cur);
}

void metrics_answer(void *web, struct request *request, struct response *response)
{
	(void)request;
	response->status = 200;
	response->type = FORMAT;
	add_kilnd(&response->body, web);
	add_web(&response->body, web);
	add_process(&response->body);
}

/* ---- probes ---- */

void metrics_health(void *web, struct request *request, struct response *response)
{
	(void)web, (void)request;
	response_text(response, 200, "ok");
}

void metrics_ready(void *context, struct request *request, struct response *response)
{
	struct web *web = context;
	autojson struct json *ignored = NULL;
	struct error err;
	int64_t now_usec = moment_elapsed_usec();

	(void)request;
	/* anybody may ask for this, as often as he likes: kilnd hears little of it */
	if (atomic_load(&web->ready_usec) + READY_USEC > now_usec &&
		atomic_load(&web->ready_usec)) {
		response_text(response, 200, "ok");
	} else if (kilnd_ask_within(&web->kilnd, WAIT_USEC, "ready", json_new_object(), &ignored,
			   &err) == 0) {
		atomic_store(&web->ready_usec, now_usec);
		response_text(response, 200, "ok");
	} else {
		atomic_store(&web->ready_usec, 0);
		response_text(response, 503, "%s", err.text);
	}
}
