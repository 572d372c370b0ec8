/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/retiring.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"

void retirement_clear(struct retirement *retirement)
{
	build_records_clear(&retirement->builds);
	free(retirement->versions);
	*retirement = (struct retirement){0};
}

static void mark(struct retirement *retirement, const struct version_marks *marks, bool held)
{
	for (size_t m = 0; m < marks->count; m++)
		for (size_t i = 0; i < retirement->builds.count; i++) {
			struct retention_version *version = &retirement->versions[i];
			if (version->version != marks->items[m].version)
				continue;
			if (held)
				version->held = true;
			else
				version->named = true;
		}
}

/* BASES are those of one build of the same repository. */
static void mark_used(struct retirement *retirement, const char *image_name, const char *bases)
{
	autojson struct json *list = NULL;
	struct error ignored;

	if (json_parse_bytes(bases, strlen(bases), &list, &ignored) < 0)
		return;
	for (size_t b = 0; b < json_count(list); b++) {
		const struct json *base = json_item(list, b);
		if (strcmp(json_get_text(base, "image", ""), image_name) != 0)
			continue;
		for (size_t i = 0; i < retirement->builds.count; i++)
			if (retirement->versions[i].version == json_get_integer(base, "version", 0))
				retirement->versions[i].used = true;
	}
}

static int mark_bases(struct store *store, int64_t image, const char *image_name,
	struct retirement *retirement, struct error *err)
{
	CLEANUP(build_records_clear) struct build_records users = {0};
	struct image_record own, other;
	int result = 0;

	if (builds_with_bases(store, &users, err) < 0 ||
		image_find_by_id(store, image, &own, err) <= 0)
		return -1;
	for (size_t i = 0; i < users.count && result == 0; i++) {
		int found = image_find_by_id(store, users.items[i].image, &other, err);
		if (found > 0 && other.repository == own.repository)
			mark_used(retirement, image_name, users.items[i].bases);
		if (found > 0)
			image_record_clear(&other);
		result = found < 0 ? -1 : 0;
	}
	image_record_clear(&own);
	return result;
}

int retirement_gather(struct store *store, int64_t image, const char *image_name,
	struct retirement *retirement, struct error *err)
{
	CLEANUP(version_marks_clear) struct version_marks channels = {0}, holds = {0};

	*retirement = (struct retirement){0};
	if (builds_published(store, image, &retirement->builds, err) < 0 ||
		marks_list(store, image, MARK_CHANNEL, &channels, err) < 0 ||
		marks_list(store, image, MARK_HOLD, &holds, err) < 0)
		return -1;
	retirement->versions = memory_new(retirement->builds.count * sizeof(*retirement->versions));
	for (size_t i = 0; i < retirement->builds.count; i++) {
		const struct build_record *build = &retirement->builds.items[i];
		retirement->versions[i] = (struct retention_version){.version = build->version,
			.phase = build->phase,
			.ended_usec = build->ended_usec ? build->ended_usec : build->created_usec};
	}
	mark(retirement, &channels, false);
	mark(retirement, &holds, true);
	return mark_bases(store, image, image_name, retirement, err);
}

int retirement_move(struct store *store, struct retirement *retirement, const char *full_name,
	int64_t now_usec, struct error *err)
{
	struct build_move to_retiring = {
		.to = PHASE_RETIRING, .usec = now_usec, .image_name = full_name};

	for (size_t i = 0; i < retirement->builds.count; i++)
		if (retirement->versions[i].retire &&
			build_move(store, &retirement->builds.items[i], &to_retiring, err) < 0)
			return -1;
	return 0;
}

int retirement_begin(struct store *store, struct retirement *retirement, const char *full_name,
	int64_t now_usec, struct error *err)
{
	if (store_begin(store, err) < 0)
		return -1;
	if (retirement_move(store, retirement, full_name, now_usec, err) < 0) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, err);
}
