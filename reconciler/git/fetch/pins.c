/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/fetch/pins.h"

#include <git2.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/text.h"

/* The pin that REF, of any owner, is called after. NULL: it is no pin. */
static const char *pin_of(const char *ref)
{
	return text_starts_with(ref, PINS_PREFIX) ? strrchr(ref, '/') + 1 : NULL;
}

/* Those without an owner are of whoever comes first. */
static bool is_others(const char *ref, const char *folder)
{
	return !text_starts_with(ref, folder) && strchr(ref + strlen(PINS_PREFIX), '/');
}

static bool has_commit(struct mirror *mirror, const char *pin, struct object_id *id)
{
	git_commit *commit = NULL;
	git_oid oid;

	digest_read_hex(pin, id->bytes, sizeof(id->bytes));
	memcpy(oid.id, id->bytes, sizeof(oid.id));
	if (git_commit_lookup(&commit, mirror->repository, &oid) < 0)
		return false;
	git_commit_free(commit);
	return true;
}

static bool names(struct mirror *mirror, const char *ref, const char *pin)
{
	struct object_id id, there;

	return digest_read_hex(pin, id.bytes, sizeof(id.bytes)) &&
	       mirror_find(mirror, ref, &there) && object_id_equal(&id, &there);
}

static int add(struct mirror *mirror, const struct fetch_order *order, bool apply, size_t *changes,
	struct error *err)
{
	autofree char *folder = pins_folder(order->pins_of);
	struct object_id id;

	strings_each (pin, &order->pins) {
		autofree char *ref = memory_printf("%s%s", folder, pin);
		if (names(mirror, ref, pin) || !has_commit(mirror, pin, &id))
			continue;
		++*changes;
		if (apply && mirror_set(mirror, ref, &id, err) < 0)
			return -1;
	}
	return 0;
}

static int remove_rest(struct mirror *mirror, const struct fetch_order *order, bool apply,
	size_t *changes, struct error *err)
{
	CLEANUP(strings_clear) struct strings refs = {0};
	autofree char *folder = pins_folder(order->pins_of);

	if (mirror_refs(mirror, &refs, err) < 0)
		return -1;
	strings_each (ref, &refs) {
		const char *pin = pin_of(ref);
		if (!pin || is_others(ref, folder) ||
			(text_starts_with(ref, folder) && strings_has(&order->pins, pin) &&
				names(mirror, ref, pin)))
			continue;
		++*changes;
		if (apply && mirror_set(mirror, ref, NULL, err) < 0)
			return -1;
	}
	return 0;
}

/* Counts what there is to do, and does it if APPLY. */
static int settle(struct mirror *mirror, const struct fetch_order *order, bool apply,
	size_t *changes, struct error *err)
{
	if (add(mirror, order, apply, changes, err) < 0)
		return -1;
	return remove_rest(mirror, order, apply, changes, err);
}

bool pins_differ(struct mirror *mirror, const struct fetch_order *order)
{
	struct error ignored;
	size_t changes = 0;

	return settle(mirror, order, false, &changes, &ignored) < 0 || changes;
}

int pins_set(struct mirror *mirror, const struct fetch_order *order, struct error *err)
{
	size_t changes = 0;

	return settle(mirror, order, true, &changes, err);
}

void pins_missing(struct mirror *mirror, const struct fetch_order *order, struct strings *missing)
{
	struct object_id id;

	strings_each (pin, &order->pins)
		if (!has_commit(mirror, pin, &id))
			strings_add(missing, pin);
}

/* ---- out of a broken one ---- */

/* The history of PIN in a pack of its own, without what the refs have anyway. */
static int pack(git_repository *both, const char *pin)
{
	git_packbuilder *builder = NULL;
	git_revwalk *commits = NULL;
	git_oid id;
	int code = -1;

	git_oid_fromstr(&id, pin);
	if (git_revwalk_new(&commits, both) == 0 && git_revwalk_push(commits, &id) == 0 &&
		git_revwalk_hide_glob(commits, "refs/*") == 0 &&
		git_packbuilder_new(&builder, both) == 0 &&
		git_packbuilder_insert_walk(builder, commits) == 0)
		code = git_packbuilder_write(builder, NULL, 0, NULL, NULL);
	git_packbuilder_free(builder);
	git_revwalk_free(commits);
	return code;
}

/* What is no name of a commit, or of one that cannot be read, is left. */
static void rescue_others(
	struct mirror *mirror, const char *broken, const char *folder, git_repository *both)
{
	git_repository *old = NULL;
	git_strarray refs = {0};
	struct object_id id;
	struct error ignored;

	if (git_repository_open_bare(&old, broken) == 0)
		git_reference_list(&refs, old);
	for (size_t i = 0; i < refs.count; i++) {
		const char *pin = pin_of(refs.strings[i]);
		if (!pin || !is_others(refs.strings[i], folder) ||
			!digest_read_hex(pin, id.bytes, sizeof(id.bytes)))
			continue;
		if (!has_commit(mirror, pin, &id))
			pack(both, pin);
		if (has_commit(mirror, pin, &id))
			mirror_set(mirror, refs.strings[i], &id, &ignored);
	}
	git_strarray_dispose(&refs);
	git_repository_free(old);
}

/* One at a time: what one of them lacks is not the others' end. */
void pins_rescue(struct mirror *mirror, const char *broken, const struct fetch_order *order)
{
	autofree char *objects = memory_printf("%s/objects", broken);
	autofree char *folder = pins_folder(order->pins_of);
	git_repository *both = NULL;
	git_odb *store = NULL;
	struct object_id id;

	if (git_repository_open_bare(&both, mirror->path) == 0 &&
		git_repository_odb(&store, both) == 0 &&
		git_odb_add_disk_alternate(store, objects) == 0) {
		strings_each (pin, &order->pins)
			if (!has_commit(mirror, pin, &id))
				pack(both, pin);
		rescue_others(mirror, broken, folder, both);
	}
	git_odb_free(store);
	git_repository_free(both);
}
