/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/replacement.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "reconciler/freeze.h"
#include "reconciler/world.h"

int replacement_new(struct head *head, struct build_record *build, struct replacement **replacement,
	struct error *err)
{
	struct replacement *made = memory_new(sizeof(*made));
	struct image_record image;

	made->head = head;
	made->said = -1;
	made->build = *build;
	*build = (struct build_record){0};
	if (image_find_by_id(head->store, made->build.image, &image, err) <= 0 ||
		repository_find(head->store, image.repository, &made->repository, err) <= 0 ||
		json_parse_bytes(
			made->build.policy, strlen(made->build.policy), &made->policy, err) < 0) {
		replacement_free(made);
		return fail_while(err, "a build without an image");
	}
	made->cold = json_get_integer(made->policy, "cold", 0);
	made->image = TAKE(image.name);
	made->full_name = memory_printf("%s/%s", made->repository.name, made->image);
	image_record_clear(&image);
	*replacement = made;
	return 0;
}

void replacement_free(struct replacement *replacement)
{
	if (!replacement)
		return;
	build_record_clear(&replacement->build);
	repository_record_clear(&replacement->repository);
	free(replacement->image);
	free(replacement->full_name);
	free(replacement->unwanted);
	json_free(replacement->policy);
	json_free(replacement->ordered);
	json_free(replacement->journal);
	cleanup_close(&replacement->said);
	free(replacement);
}

void replacement_set_order(struct replacement *replacement, int64_t ledger, struct json *ordered)
{
	json_free(replacement->ordered);
	replacement->ledger = ledger;
	replacement->ordered = ordered;
}

char *replacement_folder(const struct replacement *replacement)
{
	return memory_printf("%s/builds/%s", replacement->head->state, replacement->build.id);
}

/* The live version has the very artifact. */
static int equals_live(struct replacement *replacement, bool *equal, struct error *err)
{
	const struct build_record *build = &replacement->build;
	struct store *store = replacement->head->store;
	struct build_record live;
	int64_t version;

	*equal = false;
	if (!build->has_digest || build->version)
		return 0;
	if (channel_find(store, build->image, "current", &version, err) < 0)
		return -1;
	int found = build_find_version(store, build->image, version, &live, err);
	if (found <= 0)
		return found;
	*equal = live.has_digest && digest_equal(&live.digest, &build->digest);
	build_record_clear(&live);
	return 0;
}

/* A person who wants to look at what is left of a failed build said so when it began. */
static bool is_kept(const struct replacement *replacement)
{
	return replacement->build.phase == PHASE_FAILED &&
	       strcmp(json_get_text(replacement->policy, "on_error", ""), "abort") == 0;
}

int replacement_facts(
	struct replacement *replacement, struct replace_facts *facts, struct error *err)
{
	autofree char *folder = replacement_folder(replacement);
	autofree char *work = memory_printf("%s/work", folder);

	*facts = (struct replace_facts){
		.phase = replacement->build.phase,
		.reuses = replacement->build.reuses != 0,
		.cold = replacement->cold != 0,
		.has_rules = json_count(json_get(replacement->policy, "validate")) != 0 ||
	                     strcmp(json_get_text(replacement->policy, "gate", ""), "refuse") == 0,
		.ordered = replacement->ordered != NULL,
		.frozen = replacement->build.phase == PHASE_VALIDATING &&
	                  freeze_until(&replacement->head->service, replacement->repository.name,
				  world->now_usec()) != 0,
		.unwanted = replacement->unwanted != NULL,
		.work_left = file_exists(AT_FDCWD, work) && !is_kept(replacement),
		.job = replacement->run.job,
		.run = replacement->run.state,
		.failure = replacement->run.failure.kind,
		.deaths = replacement->run.deaths,
	};
	if (replacement->build.phase != PHASE_VALIDATING || facts->reuses || facts->cold)
		return 0;
	return equals_live(replacement, &facts->equals_live, err);
}
