/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/fetch/pins.h"

#include <git2.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/text.h"

#define PINS "refs/kiln/pins/"

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

/* What of PINS has no name of its own gets one, what else has one goes; counts, and does it if APPLY. */
static int settle(struct mirror *mirror, const struct strings *pins, bool apply, size_t *changes,
	struct error *err)
{
	CLEANUP(strings_clear) struct strings refs = {0};
	struct object_id id;

	strings_each (pin, pins) {
		autofree char *ref = memory_printf(PINS "%s", pin);
		if (names(mirror, ref, pin) || !has_commit(mirror, pin, &id))
			continue;
		++*changes;
		if (apply && mirror_set(mirror, ref, &id, err) < 0)
			return -1;
	}
	if (mirror_refs(mirror, &refs, err) < 0)
		return -1;
	strings_each (ref, &refs) {
		if (!text_starts_with(ref, PINS))
			continue;
		const char *pin = ref + strlen(PINS);
		if (strings_has(pins, pin) && names(mirror, ref, pin))
			continue;
		++*changes;
		if (apply && mirror_set(mirror, ref, NULL, err) < 0)
			return -1;
	}
	return 0;
}

bool pins_differ(struct mirror *mirror, const struct strings *pins)
{
	struct error ignored;
	size_t changes = 0;

	return settle(mirror, pins, false, &changes, &ignored) < 0 || changes;
}

int pins_set(struct mirror *mirror, const struct strings *pins, struct error *err)
{
	size_t changes = 0;

	return settle(mirror, pins, true, &changes, err);
}

void pins_missing(struct mirror *mirror, const struct strings *pins, struct strings *missing)
{
	struct object_id id;

	strings_each (pin, pins)
		if (!has_commit(mirror, pin, &id))
			strings_add(missing, pin);
}

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

/* One at a time: what one of them lacks is not the others' end. */
void pins_rescue(struct mirror *mirror, const char *broken, const struct strings *pins)
{
	autofree char *objects = memory_printf("%s/objects", broken);
	git_repository *both = NULL;
	git_odb *store = NULL;
	struct object_id id;

	if (git_repository_open_bare(&both, mirror->path) == 0 &&
		git_repository_odb(&store, both) == 0 &&
		git_odb_add_disk_alternate(store, objects) == 0)
		strings_each (pin, pins)
			if (!has_commit(mirror, pin, &id))
				pack(both, pin);
	git_odb_free(store);
	git_repository_free(both);
}
