/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/gotemplate.h"
#include "base/duration.h"
#include "base/memory.h"
#include "base/moment.h"

enum { TICK_NSEC = 100 * 1000 * 1000 };

/* ---- reading them from the order ---- */

static int read_step(const struct json *about, const char *kind, size_t index, struct step *step,
	struct error *err)
{
	const char *type = json_get_text(about, "type", "");

	*step = (struct step){.index = index,
		.about = about,
		.options = json_get(about, "options"),
		.provisioner = provisioner_find(type),
		.open = json_get_boolean(about, "open", false),
		.keep = json_get_boolean(about, "keep", false),
		.max_age_sec = json_get_integer(about, "max_age_sec", 0),
		.pause_before_nsec = json_get_integer(about, "pause_before", 0),
		.timeout_nsec = json_get_integer(about, "timeout", 0),
		.max_retries = json_get_integer(about, "max_retries", 0)};
	if (strcmp(kind, "provisioner") == 0)
		snprintf(step->label, sizeof(step->label), "%s %zu (%s)", kind, index + 1, type);
	else
		snprintf(step->label, sizeof(step->label), "%s (%s)", kind, type);
	if (!step->provisioner)
		return fail(err, ERROR_BROKEN, "there is no driver for %s", step->label);
	digest_parse(json_get_text(about, "digest", ""), &step->digest);
	return 0;
}

int steps_read(struct job *job, struct steps *steps, struct error *err)
{
	const struct json *list = job_order(job, "provisioners");
	const struct json *cleanup = job_order(job, "cleanup");

	*steps = (struct steps){.items = memory_new(json_count(list) * sizeof(struct step))};
	for (; steps->count < json_count(list); steps->count++)
		if (read_step(json_item(list, steps->count), "provisioner", steps->count,
			    &steps->items[steps->count], err) < 0)
			return -1;
	if (cleanup) {
		steps->cleanup = memory_new(sizeof(struct step));
		if (read_step(cleanup, "error-cleanup-provisioner", 0, steps->cleanup, err) < 0)
			return -1;
	}
	return 0;
}

void steps_clear(struct steps *steps)
{
	free(steps->items);
	free(steps->cleanup);
	*steps = (struct steps){0};
}

/* ---- running ---- */

static int wait_for(struct job *job, int64_t nsec, struct error *err)
{
	int64_t until = moment_elapsed_usec() + nsec / 1000;

	while (moment_elapsed_usec() < until) {
		struct timespec tick = {.tv_nsec = TICK_NSEC};
		if (job_check(job, err) < 0)
			return -1;
		nanosleep(&tick, NULL);
	}
	return 0;
}

void step_classify(const struct step *step, struct error *err)
{
	if (err->kind == ERROR_CATALOG || err->kind == ERROR_TRANSIENT)
		err->kind = step->open ? ERROR_TRANSIENT : ERROR_CATALOG;
}

static int run_once(struct job *job, const struct step *step, struct communicator *communicator,
	struct error *err)
{
	if (step->pause_before_nsec) {
		build_log_say(&job->log, "waiting %.1f s before the step",
			(double)step->pause_before_nsec / 1e9);
		if (wait_for(job, step->pause_before_nsec, err) < 0)
			return -1;
	}
	/* Packer drops a timeout where there is a pause; here both hold (docs/decisions/) */
	int64_t deadline =
		step->timeout_nsec ? moment_elapsed_usec() + step->timeout_nsec / 1000 : 0;
	if (communicator)
		communicator->deadline_usec = deadline;
	int64_t of_job = job->deadline_usec;
	if (deadline && !communicator && (!of_job || deadline < of_job))
		job->deadline_usec = deadline;
	int result = step->provisioner->provision(job, step->options, communicator, err);
	job->deadline_usec = of_job;
	if (communicator)
		communicator->deadline_usec = 0;
	if (result < 0 && deadline && moment_elapsed_usec() > deadline && !job_is_cancelled()) {
		CLEANUP(text_clear) struct text timeout = {0};
		duration_write_go(step->timeout_nsec, &timeout);
		return fail(err, ERROR_TRANSIENT, "it took longer than its timeout of %s",
			text_get(&timeout));
	}
	return result;
}

/* What failed may be a chown: with one id there is no other owner to give a file to. */
static void hint_at_ids(struct job *job)
{
	if (!job->ids.many && job->log.said_invalid)
		build_log_say(&job->log, "hint: builds have one id here, so a chown to another "
					 "owner fails; with uidmap "
					 "installed and a range for this user in /etc/subuid and "
					 "/etc/subgid they have "
					 "65,536 (kiln doctor)");
}

int step_run(struct job *job, const struct step *step, struct communicator *communicator,
	struct error *err)
{
	job->log.step = step->label;
	job->log.said_invalid = false;
	int result = run_once(job, step, communicator, err);
	build_log_flush(&job->log);
	if (result < 0) {
		build_log_say(&job->log, "failed: %s", err->text);
		hint_at_ids(job);
		step_classify(step, err);
		error_add_context(err, "%s", step->label);
	}
	job->log.step = NULL;
	return result;
}

static int run_with_retries(struct job *job, const struct step *step,
	struct communicator *communicator, struct error *err)
{
	int result = -1;

	for (int64_t attempt = 0; attempt <= step->max_retries && result < 0; attempt++) {
		result = step_run(job, step, communicator, err);
		if (result < 0 && err->kind == ERROR_CONFLICT)
			return -1;
		if (result < 0 && attempt < step->max_retries)
			build_log_say(&job->log, "%s; %lld tries left", err->text,
				(long long)(step->max_retries - attempt));
	}
	return result;
}

bool step_leaves_image(const struct step *step)
{
	return step->provisioner->local ||
	       (step->provisioner->only_reads && step->provisioner->only_reads(step->options));
}

static int run_or_clean_up(struct job *job, const struct steps *steps, const struct step *step,
	struct communicator *communicator, struct error *err)
{
	struct error ignored;

	if (!communicator && !step->provisioner->local)
		return fail(err, ERROR_CATALOG,
			"%s needs a communicator, and the template says none", step->label);
	if (run_with_retries(job, step, communicator, err) == 0)
		return 0;
	if (steps->cleanup && err->kind != ERROR_CONFLICT &&
		(communicator || steps->cleanup->provisioner->local))
		step_run(job, steps->cleanup, communicator, &ignored);
	return -1;
}

int step_note(
	struct job *job, const struct step *step, const char *how, int64_t usec, struct error *err)
{
	struct json *details = json_new_object();

	json_set_integer(details, "index", step->index);
	json_set_text(details, "step", step->label);
	json_set_text(details, "how", how);
	json_set(details, "seconds", json_new_real((double)usec / 1e6, 3));
	return journal_add(&job->journal, "step", details, err);
}

int steps_run(struct job *job, const struct steps *steps, struct communicator *communicator,
	const struct steps_observer *observer, struct error *err)
{
	for (size_t i = 0; i < steps->count; i++) {
		const struct step *step = &steps->items[i];
		if (job_check(job, err) < 0)
			return -1;
		if (observer && i < observer->first && !step->provisioner->local)
			continue;
		int64_t start = moment_elapsed_usec();
		if (run_or_clean_up(job, steps, step, communicator, err) < 0 ||
			step_note(job, step, "done", moment_elapsed_usec() - start, err) < 0)
			return -1;
		if (observer && !step_leaves_image(step) &&
			observer->done(observer->context, step, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- data and rendering ---- */

struct json *job_data(const struct job *job)
{
	struct json *data = json_new_object();
	const char *name = json_get_text(job->order, "build_name", NULL);

	if (name)
		json_set_text(data, "BuildName", name);
	json_set_text(data, "BuilderType", json_get_text(job->order, "build_type", ""));
	json_set_text(data, "PackerRunUUID", json_get_text(job->order, "run_uuid", ""));
	json_each_member (member, job->found)
		json_set(data, member.key, json_copy(member.value));
	return data;
}

int job_render(const char *template, const struct json *data, struct text *out, struct error *err)
{
	return gotemplate_render_late(template, data, false, out, err);
}
