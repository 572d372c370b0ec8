/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/fetch/pins.h"

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

/* What has no name of its own in PINS goes, what has one comes; counts, and does it if DO. */
static int settle(struct mirror *mirror, const struct strings *pins, bool apply, size_t *changes,
	struct error *err)
{
	CLEANUP(strings_clear) struct strings refs = {0};
	struct object_id id, there;

	if (mirror_refs(mirror, &refs, err) < 0)
		return -1;
	strings_each (pin, pins) {
		autofree char *ref = memory_printf(PINS "%s", pin);
		if (mirror_find(mirror, ref, &there) || !has_commit(mirror, pin, &id))
			continue;
		++*changes;
		if (apply && mirror_set(mirror, ref, &id, err) < 0)
			return -1;
	}
	strings_each (ref, &refs) {
		if (!text_starts_with(ref, PINS) || strings_has(pins, ref + strlen(PINS)))
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

/* One at a time: what one of them lacks is not the others' end. */
static void rescue(struct mirror *mirror, const char *broken, const char *pin)
{
	autofree char *spec = memory_printf("+" PINS "%s:" PINS "%s", pin, pin);
	git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
	git_strarray specs = {&spec, 1};
	git_remote *remote = NULL;

	options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	options.proxy_opts.type = GIT_PROXY_NONE;
	if (git_remote_create_anonymous(&remote, mirror->repository, broken) == 0)
		git_remote_download(remote, &specs, &options);
	git_remote_free(remote);
}

void pins_rescue(struct mirror *mirror, const char *broken, const struct strings *pins)
{
	struct object_id id;

	strings_each (pin, pins)
		if (!has_commit(mirror, pin, &id))
			rescue(mirror, broken, pin);
}
