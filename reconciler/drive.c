/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/drive.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "backends/journal.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/process.h"
#include "reconciler/announce.h"
#include "reconciler/elsewhere.h"
#include "reconciler/cold.h"
#include "reconciler/freeze.h"
#include "reconciler/notify.h"
#include "reconciler/missing.h"
#include "reconciler/prepare.h"
#include "reconciler/settle.h"
#include "reconciler/world.h"

enum {
	GRACE_SEC = 60, /* behind the deadline that a worker keeps itself */
	SAID_MOST = 4096,
};

/* Said of a build that came to nothing. */
#define LEFT_WORDS " (it may have left something elsewhere: kiln doctor)"

struct driving {
	struct replacement *replacement;
	struct loop *loop;
	sd_event *event;
	struct task *task;
};

/* The attempt before this one. */
static bool failed_before(const struct replacement *replacement)
{
	CLEANUP(build_records_clear) struct build_records builds = {0};
	struct error ignored;
	enum phase before = PHASE_LIVE;

	if (builds_of_image(replacement->head->store, replacement->build.image, &builds, &ignored) <
		0)
		return false;
	for (size_t i = 0; i < builds.count; i++)
		if (strcmp(builds.items[i].id, replacement->build.id) == 0)
			break;
		else if (!cold_version(builds.items[i].policy))
			before = builds.items[i].phase;
	return before == PHASE_FAILED;
}

static void announce_phase(const struct replacement *replacement, const char *text)
{
	enum phase phase = replacement->build.phase;
	struct announced about = {.repository = replacement->repository.name,
		.image = replacement->full_name,
		.build = &replacement->build};

	/* whoever asked for it hears of it */
	if (replacement->cold)
		return;
	if (replacement->head->daemon && (phase == PHASE_LIVE || phase == PHASE_FAILED))
		notify(replacement->head,
			&(struct notice){.event = phase == PHASE_FAILED        ? "failed"
		                                  : failed_before(replacement) ? "recovered"
		                                                               : "live",
				.repository = replacement->repository.name,
				.image = replacement->image,
				.build = &replacement->build,
				.text = text});
	announce(phase == PHASE_LIVE     ? ANNOUNCE_LIVE
		 : phase == PHASE_FAILED ? ANNOUNCE_FAILED
					 : ANNOUNCE_PHASE,
		&about, "%s: %s", phase_name(phase), text);
}

static void tell(const struct driving *driving, const char *text)
{
	loop_catch_up_log(driving->loop, driving->replacement->build.id);
	if (driving->task && driving->task->moved)
		driving->task->moved(driving->task, driving->replacement, text);
	announce_phase(driving->replacement, text);
}

/* True if the build may have left something where kiln cannot look. */
static bool has_left(const struct replacement *replacement)
{
	struct error err;
	bool left = false;

	if (elsewhere_settle(replacement->head, &replacement->build, &left, &err) < 0)
		announce(ANNOUNCE_TROUBLE, NULL, "%s", err.text);
	return left;
}

/* ---- the worker's end ---- */

void drive_stop_watching(struct replacement *replacement)
{
	replacement->thaw = sd_event_source_disable_unref(replacement->thaw);
	child_release(TAKE(replacement->worker));
	replacement->overdue = sd_event_source_disable_unref(replacement->overdue);
}

void drive_kill(struct replacement *replacement)
{
	if (replacement->run.state == RUN_ALIVE)
		child_kill(replacement->worker);
}

/* What a worker that could not even begin said. */
static void read_said(struct replacement *replacement, struct text *said)
{
	struct error ignored;

	if (replacement->said >= 0 && lseek(replacement->said, 0, SEEK_SET) == 0)
		file_read_fd(replacement->said, SAID_MOST, said, &ignored);
	while (said->size && said->data[said->size - 1] == '\n')
		said->data[--said->size] = '\0';
}

static void blame(struct replacement *replacement, int code)
{
	CLEANUP(text_clear) struct text said = {0};
	struct worker_run *run = &replacement->run;
	char how[64];

	read_said(replacement, &said);
	error_set(&run->failure, ERROR_TRANSIENT,
		"the worker of job %s ended without a word: %s%s%s", job_kind_name(run->job),
		process_describe(code, how), said.size ? ": " : "", text_get(&said));
	/* it never began: there is nothing that a second one would do better */
	if (run->state == RUN_NONE) {
		run->state = RUN_FAILED;
		run->failure.kind = ERROR_BROKEN;
	}
}

static int watch(const struct driving *driving, pid_t pid, struct error *err);

static void note_exit(const struct driving *driving, int code)
{
	struct replacement *replacement = driving->replacement;
	enum job_kind job = replacement->run.job;
	autofree char *folder = replacement_folder(replacement);
	struct error err;

	drive_stop_watching(replacement);
	json_free(TAKE(replacement->journal));
	if (worker_read(folder, job, replacement->build.attempts, &replacement->run,
		    &replacement->journal, &err) < 0) {
		replacement->run.state = RUN_FAILED;
		replacement->run.failure = err;
	} else if (replacement->run.state == RUN_ALIVE) {
		/* not ours: one that an earlier kilnd started was faster */
		if (watch(driving, replacement->run.pid, &err) == 0)
			return;
		replacement->run.state = RUN_DIED;
	}
	if (replacement->run.state == RUN_NONE || replacement->run.state == RUN_DIED)
		blame(replacement, code);
	cleanup_close(&replacement->said);
	replacement->said = -1;
	if (job == JOB_BUILD && has_left(replacement))
		announce(ANNOUNCE_TROUBLE, NULL,
			"packer may have left something elsewhere in build %s: kiln doctor",
			replacement->build.id);
}

static bool note_if_ended(const struct driving *driving)
{
	int code;

	if (!driving->replacement->worker || !child_has_ended(driving->replacement->worker, &code))
		return false;
	note_exit(driving, code);
	return true;
}

static int on_overdue(sd_event_source *source, uint64_t usec, void *context)
{
	struct replacement *replacement = context;

	(void)source;
	(void)usec;
	child_kill(replacement->worker);
	return 0;
}

static void free_driving(void *context)
{
	free(context);
}

static int add_timer(const struct driving *driving, struct error *err)
{
	struct replacement *replacement = driving->replacement;
	uint64_t after_usec =
		(uint64_t)(replacement->head->service.limits.build_timeout_sec + GRACE_SEC) *
		1000000;
	int result = sd_event_add_time_relative(driving->event, &replacement->overdue,
		CLOCK_MONOTONIC, after_usec, 1000000, on_overdue, replacement);

	return result < 0 ? fail(err, ERROR_BROKEN, "cannot set a timer: %s", strerror(-result))
	                  : 0;
}

static int watch(const struct driving *driving, pid_t pid, struct error *err)
{
	driving->replacement->worker = child_watch(driving->loop, pid, err);
	return driving->replacement->worker ? add_timer(driving, err) : -1;
}

/* ---- starting one ---- */

static int start(const struct driving *driving, enum job_kind job, struct error *err)
{
	struct replacement *replacement = driving->replacement;
	autofree char *folder = replacement_folder(replacement);
	autojson struct json *order = NULL;

	/* the number of the run is lasting before the run is */
	replacement->build.attempts++;
	if (build_add_attempt(replacement->head->store, replacement->build.id, err) < 0 ||
		prepare_job(replacement, job, &order, err) < 0 ||
		(job == JOB_BUILD && elsewhere_intend(replacement, order, err) < 0))
		return -1;
	FAULT("worker-before");
	replacement->said = memfd_create("said", MFD_CLOEXEC);
	const struct worker_streams streams = {-1, replacement->said};
	replacement->worker = worker_start(driving->loop, NULL, order, &streams, err);
	if (!replacement->worker)
		return -1;
	FAULT("worker-started");
	replacement->run.state = RUN_ALIVE;
	return add_timer(driving, err);
}

static void run(const struct driving *driving, enum job_kind job)
{
	struct replacement *replacement = driving->replacement;
	struct error err;
	int deaths = replacement->run.job == job ? replacement->run.deaths : 0;

	replacement->run = (struct worker_run){.job = job, .deaths = deaths};
	replacement->asked_to_stop = false;
	if (start(driving, job, &err) == 0)
		return;
	replacement->run.state = RUN_FAILED;
	replacement->run.failure = err;
}

static void ask_to_stop(struct replacement *replacement)
{
	if (!replacement->asked_to_stop)
		child_signal(replacement->worker, SIGTERM);
	replacement->asked_to_stop = true;
}

/* ---- moving ---- */

static void count_steps(const struct json *journal, size_t *all, size_t *reused)
{
	*all = *reused = 0;
	for (size_t i = 0; i < json_count(journal); i++) {
		const struct json *entry = json_item(journal, i);
		const char *event = json_get_text(entry, "event", "");
		if (strcmp(event, "begin") == 0)
			*all = *reused = 0;
		if (strcmp(event, "step") != 0)
			continue;
		(*all)++;
		*reused += strcmp(json_get_text(entry, "how", ""), "reused") == 0;
	}
}

/* What a person is told of the move. */
static char *describe(const struct replacement *replacement, enum phase from)
{
	const struct build_record *build = &replacement->build;
	size_t all, reused;

	switch (build->phase) {
	case PHASE_FAILED:
		return memory_copy_text(replacement->failure.text);
	case PHASE_CANCELLED:
		return memory_copy_text(replacement->unwanted ? replacement->unwanted : "");
	case PHASE_UNNEEDED:
		return memory_copy_text(
			replacement->cold ? "it is compared; nothing is published"
			: build->reuses
				? "the version passes; nothing is published"
				: "the result equals the live version: nothing is published");
	case PHASE_LIVE:
		return memory_printf("version %lld is live", (long long)build->version);
	default:
		break;
	}
	if (from != PHASE_BUILDING || build->reuses)
		return memory_copy_text(phase_help(build->phase));
	count_steps(replacement->journal, &all, &reused);
	return memory_printf(
		"built (%zu of %zu steps reused); %s", reused, all, phase_help(build->phase));
}

static int move(const struct driving *driving, enum phase to, struct error *err)
{
	struct replacement *replacement = driving->replacement;
	enum phase from = replacement->build.phase;

	if (to == PHASE_FAILED) {
		replacement->failure = replacement->run.failure;
		if (replacement->run.state == RUN_DIED)
			error_add_context(&replacement->failure, "%d times", REPLACE_DEATHS_MOST);
		else
			missing_explain(replacement);
	}
	if (settle_move(replacement, to, world->now_usec(), err) < 0)
		return -1;
	bool left = !phase_is_under_way(to) && has_left(replacement);
	/* the next phase has workers of its own */
	if (replacement->run.job != JOB_REMOVE)
		replacement->run = (struct worker_run){.job = JOB_NONE};
	autofree char *text = describe(replacement, from);
	autofree char *whole = memory_printf("%s%s", text, left ? LEFT_WORDS : "");
	tell(driving, whole);
	return 0;
}

/* "current and stable name version 3" */
static char *describe_channels(const struct json *channels)
{
	struct text text = {0};
	int64_t version = 0;
	size_t count = json_count(channels), at = 0;

	json_each_member (member, channels) {
		text_addf(&text, "%s%s",
			at == 0           ? ""
			: at + 1 == count ? " and "
					  : ", ",
			member.key);
		version = json_integer(member.value, 0);
		at++;
	}
	text_addf(&text, " name%s version %lld", count == 1 ? "s" : "", (long long)version);
	return text_take(&text);
}

static int settle_channels(const struct driving *driving, struct error *err)
{
	struct replacement *replacement = driving->replacement;
	autofree char *text = describe_channels(json_get(replacement->ordered, "channels"));

	if (settle_order(replacement, world->now_usec(), err) < 0)
		return -1;
	tell(driving, text);
	return 0;
}

static int carry_out(
	const struct driving *driving, const struct replace_step *step, struct error *err)
{
	struct replacement *replacement = driving->replacement;

	switch (step->order) {
	case REPLACE_RUN:
		run(driving, step->job);
		return 0;
	case REPLACE_MOVE:
		return move(driving, step->to, err);
	case REPLACE_ORDER_DONE:
		return settle_channels(driving, err);
	case REPLACE_LATER:
		*err = replacement->run.failure;
		return -1;
	default:
		return 0;
	}
}

/* It stays where it is; the next pass goes on from there. */
static bool put_off(const struct driving *driving, const struct error *err)
{
	struct replacement *replacement = driving->replacement;

	replacement->later = true;
	replacement->failure = *err;
	return true;
}

static int on_thaw(sd_event_source *source, uint64_t usec, void *context)
{
	struct driving *driving = context;

	(void)source;
	(void)usec;
	loop_wake(driving->loop);
	return 0;
}

/*
 * A daemon keeps it, for nobody in particular, until the freeze is over; a one-shot leaves it to who comes after that.
 * True if it is to be left.
 */
static bool wait_for_thaw(const struct driving *driving)
{
	struct replacement *replacement = driving->replacement;
	int64_t now_usec = world->now_usec();
	int64_t until_usec =
		freeze_until(&replacement->head->service, replacement->repository.name, now_usec);
	char when[MOMENT_TEXT_SIZE];
	struct error err;

	if (replacement->head->daemon && replacement->thaw && !replacement->task)
		return false;
	error_set(&err, ERROR_RESOURCE,
		"it is ready, and is put in place when the freeze is over: %s",
		until_usec == INT64_MAX ? "never, as it is configured"
					: moment_text(until_usec, when));
	put_off(driving, &err);
	replacement->frozen = true;
	if (!replacement->head->daemon)
		return true;
	struct driving *own = memory_new(sizeof(*own));
	*own = *driving;
	sd_event_source_disable_unref(replacement->thaw);
	/* by the clock on the wall, as what is due: that the machine slept does not make a freeze longer */
	uint64_t at_usec = until_usec == INT64_MAX
	                           ? UINT64_MAX / 2
	                           : (uint64_t)(moment_now_usec() + until_usec - now_usec);
	if (sd_event_add_time(driving->event, &replacement->thaw, CLOCK_REALTIME, at_usec, 1000000,
		    on_thaw, own) >= 0)
		sd_event_source_set_destroy_callback(replacement->thaw, free_driving);
	else
		free(own);
	announce_phase(replacement, err.text);
	if (replacement->task && replacement->task->ended)
		replacement->task->ended(driving->loop, replacement->task, replacement);
	replacement->task = NULL;
	replacement->settings = NULL;
	replacement->later = replacement->frozen = false;
	return false;
}

bool drive(struct replacement *replacement, struct loop *loop, struct sd_event *event,
	struct task *task, bool *ended)
{
	struct driving driving = {replacement, loop, event, task};
	bool changed = note_if_ended(&driving);

	*ended = false;
	for (;; changed = true) {
		struct replace_facts facts;
		struct error err;
		if (replacement_facts(replacement, &facts, &err) < 0) {
			*ended = put_off(&driving, &err);
			return true;
		}
		struct replace_step step = replace_next(&facts);
		if (step.order == REPLACE_STOP)
			ask_to_stop(replacement);
		if (step.order == REPLACE_THAW) {
			*ended = wait_for_thaw(&driving);
			return changed || *ended;
		}
		if (step.order == REPLACE_STOP || step.order == REPLACE_WAIT ||
			(step.order == REPLACE_RUN && !loop_has_room(loop, step.job)))
			return changed;
		*ended = step.order == REPLACE_END;
		if (*ended)
			return true;
		if (carry_out(&driving, &step, &err) < 0) {
			*ended = put_off(&driving, &err);
			return true;
		}
	}
}

/* A pass before this one gave it up for the time being: in this one it is tried afresh. */
static void forget_what_stopped_it(struct replacement *replacement, enum job_kind job)
{
	struct replace_facts facts;
	struct error ignored;

	if (replacement->run.state == RUN_ALIVE)
		return;
	if (job != JOB_BUILD && job != JOB_VALIDATE && job != JOB_COMPARE)
		replacement->run.deaths = 0;
	if (replacement_facts(replacement, &facts, &ignored) == 0 &&
		replace_next(&facts).order == REPLACE_LATER)
		replacement->run = (struct worker_run){.job = JOB_NONE};
}

int drive_adopt(struct replacement *replacement, struct loop *loop, struct sd_event *event,
	struct error *err)
{
	struct driving driving = {replacement, loop, event, NULL};
	autofree char *folder = replacement_folder(replacement);
	enum job_kind job = replace_job(replacement->build.phase, replacement->cold != 0);

	if (replacement->ordered)
		job = JOB_SWITCH;
	if (worker_read(folder, job, replacement->build.attempts, &replacement->run,
		    &replacement->journal, err) < 0)
		return -1;
	if (replacement->run.state == RUN_NONE)
		replacement->run.job = JOB_NONE;
	forget_what_stopped_it(replacement, job);
	if (replacement->run.state != RUN_ALIVE)
		return 0;
	if (watch(&driving, replacement->run.pid, err) == 0)
		return 0;
	/* it ended just now */
	return worker_read(folder, job, replacement->build.attempts, &replacement->run,
		&replacement->journal, err);
}
