/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kiln-build, a worker: one job, whose order comes on standard input. It holds neither the store nor the keys, and tells the
 * head by its journal alone, so either may die without the other. People use kiln, whose kilnd starts it.
 */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/catalog.h"
#include "backends/child.h"
#include "backends/collect.h"
#include "backends/compare/compare.h"
#include "backends/notify.h"
#include "backends/packer/engine.h"
#include "backends/post.h"
#include "backends/probe.h"
#include "backends/rootfs/userns.h"
#include "backends/validate.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/files.h"
#include "base/memory.h"

enum { ORDER_SIZE_MOST = 64 * 1024 * 1024 };

/* ---- building ---- */

/* VERSION is that of the packer that made it, NULL where our own drivers did. */
static int note_artifact(struct job *job, const struct published *published,
	const struct artifacts *kept, const char *version, struct error *err)
{
	struct json *details = published_to_json(published);

	json_set(details, "outputs", artifacts_to_json(kept->items, kept->count));
	json_set_text(details, "packer", version);
	return journal_add(&job->journal, "artifact", details, err);
}

static int build_natively(struct job *job, struct artifacts *kept, struct error *err)
{
	const struct json *about = job_order(job, "builder");
	const struct builder *builder = builder_find(json_get_text(about, "type", ""));
	CLEANUP(artifact_freep) struct artifact *made = NULL;
	CLEANUP(steps_clear) struct steps steps = {0};

	if (steps_read(job, &steps, err) < 0)
		return -1;
	if (!builder)
		return fail(err, ERROR_BROKEN, "there is no driver for the builder %s",
			json_get_text(about, "type", ""));
	if (builder->build(job, json_get(about, "options"), &steps, &made, err) < 0)
		return -1;
	return post_process(job, made, kept, err);
}

/* What a killed worker left half done goes first: checkpoints are elsewhere. */
static int empty_work(struct job *job, struct error *err)
{
	static const char *const leftovers[] = {
		"upper", "overlay", "filled", "finished", "sealed", "trees", "machine", "engine"};

	if (child_end_leftovers(job, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(leftovers) / sizeof(*leftovers); i++) {
		if (!file_exists(job->work_fd, leftovers[i]))
			continue;
		if (job->userns < 0 && (job->userns = userns_new(&job->ids, err)) < 0)
			return -1;
		if (userns_remove(job->userns, &job->ids, job->work_fd, leftovers[i], err) < 0)
			return -1;
	}
	return 0;
}

static int run_build(struct job *job, struct error *err)
{
	CLEANUP(artifacts_clear) struct artifacts kept = {0};
	CLEANUP(published_clear) struct published published = {0};
	autofree char *version = NULL;

	if (empty_work(job, err) < 0)
		return -1;
	int result = json_has(job->order, "packer") ? packer_build(job, &kept, &version, err)
	                                            : build_natively(job, &kept, err);
	if (result < 0 || published_make(job, kept.items, kept.count, &published, err) < 0)
		return -1;
	FAULT("build-artifact");
	return note_artifact(job, &published, &kept, version, err);
}

/* ---- the other jobs ---- */

static int remove_work(struct job *job, struct error *err)
{
	if (child_end_leftovers(job, err) < 0)
		return -1;
	cleanup_close(&job->tree_fd);
	cleanup_close(&job->work_fd);
	job->tree_fd = job->work_fd = -1;
	/* what a build wrote inside its namespace only its namespace's root may remove */
	if (geteuid() != 0 && job->ids.many && job->userns < 0)
		job->userns = userns_new(&job->ids, err);
	return userns_remove(job->userns, &job->ids, job->folder_fd, "work", err);
}

/* WORK in each catalog of the order's list called KEY. */
static int each_catalog(struct job *job, const char *key, struct error *err,
	int (*work)(
		struct job *, const struct catalog *, const struct catalog_place *, struct error *))
{
	const struct json *list = job_order(job, key);

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *about = json_item(list, i);
		struct catalog_place place = {json_get_text(about, "name", ""),
			json_get_text(about, "path", ""),
			json_get_text(job->order, "catalog_image", ""),
			json_get_text(about, "url", "")};
		const struct catalog *catalog = catalog_find(json_get_text(about, "type", ""));
		if (!catalog)
			return fail(err, ERROR_BROKEN, "there is no driver for catalogs of type %s",
				json_get_text(about, "type", ""));
		if (work(job, catalog, &place, err) < 0)
			return -1;
	}
	return 0;
}

static int publish_to(struct job *job, const struct catalog *catalog,
	const struct catalog_place *place, struct error *err)
{
	CLEANUP(published_clear) struct published files = {0};

	if (published_from_json(job_order(job, "artifact"), &files, err) < 0)
		return -1;
	return catalog->publish(job, place, json_get_integer(job->order, "version", 0), &files,
		job_order(job, "manifest"), json_get_integer(job->order, "previous", 0), err);
}

static int run_publish(struct job *job, struct error *err)
{
	return each_catalog(job, "catalogs", err, publish_to);
}

static int switch_in(struct job *job, const struct catalog *catalog,
	const struct catalog_place *place, struct error *err)
{
	const struct json *channels = job_order(job, "channels");

	/* `current` comes last in the order: it tells that all others moved */
	json_each_member (member, channels)
		if (catalog->set_channel(
			    job, place, member.key, json_integer(member.value, 0), err) < 0)
			return -1;
	return 0;
}

static int run_switch(struct job *job, struct error *err)
{
	/* a catalog that is new to the version has it before a channel there names it */
	if (each_catalog(job, "publish", err, publish_to) < 0 ||
		each_catalog(job, "catalogs", err, switch_in) < 0)
		return -1;
	return json_get_boolean(job->order, "remove_work", false) ? remove_work(job, err) : 0;
}

static int retire_from(struct job *job, const struct catalog *catalog,
	const struct catalog_place *place, struct error *err)
{
	if (json_get_boolean(job->order, "last", false) &&
		catalog->remove_channels(job, place, err) < 0)
		return -1;
	return catalog->retire(job, place, json_get_integer(job->order, "version", 0), err);
}

static int run_retire(struct job *job, struct error *err)
{
	return each_catalog(job, "catalogs", err, retire_from);
}

static const struct {
	const char *name;
	int (*run)(struct job *job, struct error *err);
} jobs[] = {
	{"build", run_build},
	{"validate", validate_artifact},
	{"compare", compare_artifact},
	{"publish", run_publish},
	{"switch", run_switch},
	{"retire", run_retire},
	{"remove", remove_work},
};

/* ---- the worker ---- */

static int run_job(struct job *job, struct error *err)
{
	for (size_t i = 0; i < sizeof(jobs) / sizeof(*jobs); i++)
		if (strcmp(jobs[i].name, job->kind) == 0)
			return jobs[i].run(job, err);
	return fail(err, ERROR_BROKEN, "there is no job %s", job->kind);
}

static int note_begin(struct job *job, struct error *err)
{
	struct json *details = json_new_object();

	json_set_text(details, "job", job->kind);
	json_set_integer(details, "pid", getpid());
	json_set_integer(details, "serial", json_get_integer(job->order, "serial", 0));
	return journal_add(&job->journal, "begin", details, err);
}

/* How it ended, for the head. What cannot be written down any more the head sees as a worker that died. */
static void note_end(struct job *job, int result, const struct error *failure)
{
	struct json *details = json_new_object();
	struct error err;

	json_set_text(details, "job", job->kind);
	json_set_integer(details, "serial", json_get_integer(job->order, "serial", 0));
	json_set_text(details, "result", result == 0 ? "ok" : "failed");
	if (result < 0) {
		CLEANUP(text_clear) struct text shown = {0};
		redactor_apply(&job->log.secrets, failure->text, strlen(failure->text), &shown);
		json_set_text(details, "kind", error_kind_name(failure->kind));
		json_set_text(details, "text", text_get(&shown));
	}
	if (journal_add(&job->journal, "end", details, &err) < 0)
		build_log_say(&job->log, "%s", err.text);
}

static int work(struct job *job)
{
	struct error err = {0}, ignored;
	bool keep = strcmp(json_get_text(job->order, "on_error", "cleanup"), "abort") == 0;
	int result = note_begin(job, &err);

	if (result == 0)
		result = run_job(job, &err);
	/* room first: the disk may be what it failed of */
	if (result < 0 && !keep && strcmp(job->kind, "build") == 0) {
		build_log_flush(&job->log);
		remove_work(job, &ignored);
	}
	FAULT("worker-before-end");
	note_end(job, result, &err);
	return result < 0;
}

static struct json *read_order(void)
{
	CLEANUP(text_clear) struct text text = {0};
	struct json *order = NULL;
	struct error err;

	if (file_read_fd(STDIN_FILENO, ORDER_SIZE_MOST, &text, &err) < 0 ||
		json_parse_bytes(text_get(&text), text.size, &order, &err) < 0)
		fprintf(stderr, "kiln-build: the order: %s\n", err.text);
	return order;
}

/* Not a build's job: it has no journal, and its answer goes to standard output. */
static int collect_and_print(void)
{
	autojson struct json *order = read_order();
	autojson struct json *result = NULL;
	CLEANUP(text_clear) struct text text = {0};
	struct error err;

	if (!order)
		return 2;
	if (collect_run(order, &result, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	json_write(result, JSON_LINE, &text);
	puts(text_get(&text));
	return 0;
}

/* Nor is this one. */
static int tell_outside(void)
{
	autojson struct json *order = read_order();
	struct error err;

	if (!order)
		return 2;
	if (notify_deliver(order, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return 1;
}

static int run_order(void)
{
	struct json *order = read_order();
	struct error err;
	struct job job;

	if (!order)
		return 2;
	if (job_open(&job, order, &err) < 0) {
		fprintf(stderr, "kiln-build: %s\n", err.text);
		job_close(&job);
		return 2;
	}
	int code = work(&job);
	job_close(&job);
	return code;
}

/* Deep trees take a descriptor a level. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	fault_arm();
	umask(022);
	/* archives have names in UTF-8, whoever starts us */
	setlocale(LC_CTYPE, "C.UTF-8");
	raise_limits();
	if ((argc == 2 || argc == 3) && strcmp(argv[1], "--probe") == 0)
		return probe_print(argv[2]);
	if (argc == 2 && strcmp(argv[1], "--collect") == 0)
		return collect_and_print();
	if (argc == 2 && strcmp(argv[1], "--notify") == 0)
		return tell_outside();
	if (argc != 1) {
		fprintf(stderr, "usage: kiln-build [--collect | --notify] < ORDER | kiln-build "
				"--probe [STATE]\n");
		return 2;
	}
	job_catch_signals();
	return run_order();
}
