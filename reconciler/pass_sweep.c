/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/passing.h"

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/memory.h"
#include "reconciler/retire.h"
#include "reconciler/retiring.h"
#include "reconciler/world.h"

static int sweep_image(
	struct loop *loop, struct pass *pass, const char *name, size_t *left, struct error *err)
{
	struct store *store = pass->head->store;
	CLEANUP(retirement_clear) struct retirement retirement = {0};
	const struct item *item = pass_item(pass, name);
	autofree char *full_name = memory_printf("%s/%s", pass->repository.name, name);
	struct retention_rules rules = {.keep_last = json_get_integer(item->policy, "keep_last", 3),
		.keep_younger_sec = json_get_integer(item->policy, "keep_younger_sec", 0)};

	if (!item->image || loop_find_replacement(loop, item->image))
		return 0;
	if (retirement_gather(store, item->image, name, &retirement, err) < 0)
		return -1;
	size_t chosen = retention_choose(
		retirement.versions, retirement.builds.count, &rules, world->now_usec(), *left);
	if (!chosen)
		return 0;
	*left -= chosen;
	if (retirement_begin(store, &retirement, full_name, world->now_usec(), err) < 0)
		return -1;
	FAULT("retiring");
	for (size_t i = 0; i < retirement.builds.count; i++) {
		struct replacement *replacement;
		if (!retirement.versions[i].retire)
			continue;
		if (replacement_new(pass->head, &retirement.builds.items[i], &replacement, err) < 0)
			return -1;
		loop_add_replacement(loop, replacement, &pass->task);
	}
	return 0;
}

void pass_sweep(struct loop *loop, struct pass *pass)
{
	size_t left = pass->head->service.limits.retire_per_pass;
	struct error err;

	for (size_t i = 0; i < pass->count; i++)
		if (pass->items[i].rounds)
			strings_add(&pass->sweep, pass->items[i].name);
	strings_sort(&pass->sweep);
	strings_unique(&pass->sweep);
	strings_each (name, &pass->sweep) {
		if (left && sweep_image(loop, pass, name, &left, &err) < 0) {
			pass_report(pass, name, NULL, NULL, err.text);
			pass->failed++;
		}
	}
}

void pass_prune(struct loop *loop, struct pass *pass)
{
	const struct service_repository *configured = pass->repository.configured;

	if (!configured || !configured->prune || !pass->followed)
		return;
	for (size_t i = 0; i < pass->count; i++) {
		struct image_record image;
		struct error err;
		if (pass->items[i].action != ACTION_ORPHANED ||
			image_find_by_id(pass->head->store, pass->items[i].image, &image, &err) <=
				0)
			continue;
		pass_report(pass, pass->items[i].name, NULL, "retired",
			"nothing defines it any more, and the repository is pruned");
		if (retire_begin(loop, pass->head, NULL, &image, 0, &err) < 0)
			pass_report(pass, pass->items[i].name, NULL, NULL, err.text);
	}
}
