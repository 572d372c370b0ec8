/* SPDX-License-Identifier: Apache-2.0 */
/* hold and release: marks that only people set. */
#include "reconciler/verbs/verbs.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/lookup.h"
#include "reconciler/loop.h"
#include "reconciler/world.h"
#include "state/event.h"

static int set_mark(
	struct head *head, const struct version_name *name, bool held, struct error *err)
{
	int64_t image = name->image.id;

	if (name->version && hold_set(head->store, image, name->version, held, err) < 0)
		return -1;
	if (!name->version && image_set_held(head->store, image, held, err) < 0)
		return -1;
	/* release undoes what rollback did, too */
	return held ? 0 : quarantine_lift(head->store, image, name->version, err);
}

static int mark_and_tell(
	struct head *head, const struct version_name *name, bool held, struct error *err)
{
	autofree char *full_name =
		memory_printf("%s/%s", name->image.repository_name, name->image.name);
	struct json *data = json_new_object();

	json_set(data, "version", name->version ? json_new_integer(name->version) : NULL);
	if (event_add(head->store, world->now_usec(), held ? "hold" : "release", full_name, "",
		    data, err) < 0)
		return -1;
	return set_mark(head, name, held, err);
}

static int check(struct head *head, const struct version_name *name, struct error *err)
{
	struct build_record build;

	if (!name->version)
		return 0;
	int found = build_find_version(head->store, name->image.id, name->version, &build, err);
	if (found > 0)
		build_record_clear(&build);
	return found ? (found < 0 ? -1 : 0)
	             : fail(err, ERROR_CATALOG, "%s has no version %lld", name->image.name,
			       (long long)name->version);
}

static int mark(struct head *head, struct client *client, bool held, struct error *err)
{
	const char *text = json_get_text(client_arguments(client), "image", "");
	CLEANUP(version_name_clear) struct version_name name = {0};

	if (lookup_version_name(head, text, &name, err) < 0 || check(head, &name, err) < 0 ||
		store_begin(head->store, err) < 0)
		return -1;
	if (mark_and_tell(head, &name, held, err) < 0) {
		store_rollback(head->store);
		return -1;
	}
	if (store_commit(head->store, err) < 0)
		return -1;
	struct replacement *replacement =
		head->loop ? loop_find_replacement(head->loop, name.image.id) : NULL;
	if (held && !name.version && replacement)
		loop_cancel(head->loop, replacement, "the image is held");
	client_end(client, 0);
	return 0;
}

int verb_hold(struct head *head, struct client *client, struct error *err)
{
	return mark(head, client, true, err);
}

int verb_release(struct head *head, struct client *client, struct error *err)
{
	return mark(head, client, false, err);
}
