/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/switching.h"

#include "base/cleanup.h"
#include "reconciler/settle.h"
#include "reconciler/world.h"

/* Every catalog that has the version or is to have it; those of WANTED that lack it go to MISSING. */
static struct json *compare_catalogs(
	const struct replacement *replacement, const struct json *wanted, struct json *missing)
{
	CLEANUP(strings_clear) struct strings published = {0};
	struct json *all = json_new_list();

	json_get_texts(replacement->policy, "published", &published);
	strings_each (name, &published)
		json_add_text(all, name);
	for (size_t i = 0; i < json_count(wanted); i++) {
		const char *name = json_text(json_item(wanted, i), "");
		if (strings_has(&published, name))
			continue;
		json_add_text(all, name);
		json_add_text(missing, name);
	}
	return all;
}

struct replacement *switching_begin(struct loop *loop, struct head *head, struct task *task,
	struct switching *switching, struct error *err)
{
	struct switch_order order = {.why = switching->why,
		.channels = switching->channels,
		.publish = json_new_list(),
		.quarantine = switching->quarantine};
	struct replacement *replacement = NULL;
	struct build_record record;

	switching->channels = switching->quarantine = NULL;
	int found =
		build_find_version(head->store, switching->image, switching->version, &record, err);

	if (found == 0)
		error_set(err, ERROR_CONFLICT, "its version is gone");
	if (found <= 0 || replacement_new(head, &record, &replacement, err) < 0) {
		json_free(order.channels);
		json_free(order.publish);
		json_free(order.quarantine);
		return NULL;
	}
	order.following = json_copy(switching->following);
	order.catalogs = compare_catalogs(replacement, switching->publish, order.publish);
	if (settle_write_order(replacement, &order, world->now_usec(), err) < 0) {
		replacement_free(replacement);
		return NULL;
	}
	loop_add_replacement(loop, replacement, task);
	return replacement;
}
