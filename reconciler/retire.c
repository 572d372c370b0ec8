/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/retire.h"

#include "base/cleanup.h"
#include "base/fault.h"
#include "reconciler/retiring.h"
#include "reconciler/world.h"
#include "state/event.h"

/* ---- what may go ---- */

static int choose_one(struct retirement *retirement, const struct errand *errand, struct error *err)
{
	for (size_t i = 0; i < retirement->builds.count; i++) {
		struct retention_version *version = &retirement->versions[i];
		const char *why_not = retention_why_not(version);
		if (version->version != errand->version)
			continue;
		if (why_not)
			return fail(err, ERROR_CATALOG, "%s@%lld stays: %s", errand->image.name,
				(long long)version->version, why_not);
		version->retire = true;
		return 0;
	}
	return fail(err, ERROR_CATALOG, "%s@%lld is not published", errand->image.name,
		(long long)errand->version);
}

/* All of them, the live one and those with a channel too: but not what somebody holds, or builds on. */
static int choose_all(struct retirement *retirement, const struct errand *errand, struct error *err)
{
	for (size_t i = 0; i < retirement->builds.count; i++) {
		struct retention_version *version = &retirement->versions[i];
		if (version->held || version->used)
			return fail(err, ERROR_CATALOG, "%s stays: %s@%lld %s", errand->image.name,
				errand->image.name, (long long)version->version,
				version->held ? "is held (kiln release lifts that)"
					      : "is the base of a live image or a running build");
		version->retire = true;
	}
	if (!retirement->builds.count)
		return fail(err, ERROR_CATALOG, "%s has no version", errand->image.name);
	return 0;
}

/* ---- doing it ---- */

/* The channels go first: nothing that has a name is taken away. */
static int give_up_channels(
	struct errand *errand, struct retirement *retirement, int64_t now_usec, struct error *err)
{
	struct store *store = errand->head->store;
	struct build_move superseded = {
		.to = PHASE_SUPERSEDED, .usec = now_usec, .image_name = errand->full_name};

	for (size_t i = 0; i < retirement->builds.count; i++)
		if (retirement->builds.items[i].phase == PHASE_LIVE &&
			build_move(store, &retirement->builds.items[i], &superseded, err) < 0)
			return -1;
	if (failure_forget(store, errand->image.id, NULL, err) < 0 ||
		channels_remove(store, errand->image.id, err) < 0)
		return -1;
	return event_add(store, now_usec, "retire", errand->full_name, "", NULL, err);
}

static int move_all(
	struct errand *errand, struct retirement *retirement, int64_t now_usec, struct error *err)
{
	if (!errand->version && give_up_channels(errand, retirement, now_usec, err) < 0)
		return -1;
	return retirement_move(errand->head->store, retirement, errand->full_name, now_usec, err);
}

static int begin_all(
	struct loop *loop, struct errand *errand, struct retirement *retirement, struct error *err)
{
	for (size_t i = 0; i < retirement->builds.count; i++) {
		struct replacement *replacement;
		if (!retirement->versions[i].retire)
			continue;
		if (replacement_new(errand->head, &retirement->builds.items[i], &replacement, err) <
			0)
			return -1;
		loop_add_replacement(loop, replacement, &errand->task);
	}
	return 0;
}

static int retire(struct loop *loop, struct errand *errand, struct error *err)
{
	struct store *store = errand->head->store;
	CLEANUP(retirement_clear) struct retirement retirement = {0};

	if (retirement_gather(store, errand->image.id, errand->image.name, &retirement, err) < 0 ||
		(errand->version ? choose_one : choose_all)(&retirement, errand, err) < 0 ||
		store_begin(store, err) < 0)
		return -1;
	if (move_all(errand, &retirement, world->now_usec(), err) < 0) {
		store_rollback(store);
		return -1;
	}
	if (store_commit(store, err) < 0)
		return -1;
	FAULT("retiring");
	return begin_all(loop, errand, &retirement, err);
}

int retire_begin(struct loop *loop, struct head *head, struct client *client,
	struct image_record *image, int64_t version, struct error *err)
{
	struct errand what = {.head = head, .version = version, .cancels = !version, .act = retire};

	return errand_begin(loop, client, image, &what, err);
}
