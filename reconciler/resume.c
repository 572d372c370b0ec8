/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/resume.h"

#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "reconciler/elsewhere.h"
#include "reconciler/cold.h"

static int resume_builds(struct loop *loop, struct head *head, int64_t early_of, struct error *err)
{
	CLEANUP(build_records_clear) struct build_records under_way = {0};

	if (builds_under_way(head->store, &under_way, err) < 0)
		return -1;
	for (size_t i = 0; i < under_way.count; i++) {
		struct build_record *build = &under_way.items[i];
		struct replacement *replacement;
		bool early = build->phase == PHASE_PLANNED || build->phase == PHASE_BUILDING ||
		             build->phase == PHASE_VALIDATING;
		bool cold = cold_version(build->policy) != 0;
		bool wanted = !early || cold || early_of == RESUME_ALL || early_of == build->image;
		if (!wanted || loop_find_build(loop, build->id))
			continue;
		if (replacement_new(head, build, &replacement, err) < 0 ||
			loop_adopt(loop, replacement, err) < 0)
			return -1;
		if (cold)
			loop_cancel(loop, replacement, "nobody waits for it any more");
	}
	return 0;
}

/* The channels that were to move. An order for a version that was retired since is crossed out. */
static int resume_order(
	struct loop *loop, struct head *head, const struct ledger_entry *entry, struct error *err)
{
	struct build_record build;
	struct json *ordered;
	struct replacement *replacement;
	int found = build_find(head->store, entry->build, &build, err);

	if (found < 0)
		return -1;
	if (found && loop_find_build(loop, build.id)) {
		build_record_clear(&build);
		return 0;
	}
	bool can = found && (build.phase == PHASE_LIVE || build.phase == PHASE_SUPERSEDED);
	if (!can || json_parse_bytes(entry->tag, strlen(entry->tag), &ordered, err) < 0) {
		if (found)
			build_record_clear(&build);
		return ledger_remove(head->store, entry->id, err);
	}
	if (replacement_new(head, &build, &replacement, err) < 0) {
		json_free(ordered);
		return -1;
	}
	replacement_set_order(replacement, entry->id, ordered);
	return loop_adopt(loop, replacement, err);
}

static int resume_orders(struct loop *loop, struct head *head, struct error *err)
{
	CLEANUP(ledger_entries_clear) struct ledger_entries entries = {0};

	if (ledger_list(head->store, NULL, &entries, err) < 0)
		return -1;
	for (size_t i = 0; i < entries.count; i++)
		if (strcmp(entries.items[i].kind, "switch") == 0 &&
			resume_order(loop, head, &entries.items[i], err) < 0)
			return -1;
	return 0;
}

/* Work folders of builds that came to rest without anybody to remove them. */
static int resume_removals(struct loop *loop, struct head *head, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};
	autofree char *path = memory_printf("%s/builds", head->state);
	autoclose int folder = folder_open(AT_FDCWD, path, err);

	if (folder < 0 || folder_list(folder, ".", &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		autofree char *work = memory_printf("%s/work", name);
		struct build_record build;
		struct replacement *replacement;
		if (!file_exists(folder, work) || loop_find_build(loop, name))
			continue;
		int found = build_find(head->store, name, &build, err);
		if (found < 0)
			return -1;
		if (!found)
			continue; /* of no build that is known: gc's */
		if (phase_is_under_way(build.phase)) {
			build_record_clear(&build);
			continue;
		}
		if (replacement_new(head, &build, &replacement, err) < 0 ||
			loop_adopt(loop, replacement, err) < 0)
			return -1;
	}
	return 0;
}

int resume(struct loop *loop, struct head *head, int64_t early, struct error *err)
{
	if (resume_builds(loop, head, early, err) < 0 || resume_orders(loop, head, err) < 0 ||
		elsewhere_settle_all(head, err) < 0)
		return -1;
	return resume_removals(loop, head, err);
}
