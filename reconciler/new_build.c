/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/new_build.h"

#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/order.h"
#include "reconciler/prepare.h"
#include "reconciler/world.h"

/* "20261122-102839-3f9a61c2": it sorts by time, and no two are equal. */
char *new_build_id(int64_t now_usec)
{
	time_t sec = now_usec / 1000000;
	struct tm parts;
	uint32_t random;
	char time[32];

	world->fill_random(&random, sizeof(random));
	gmtime_r(&sec, &parts);
	strftime(time, sizeof(time), "%Y%m%d-%H%M%S", &parts);
	return memory_printf("%s-%08x", time, random);
}

/* The definition's policy, and what must be known of it after a crash. */
static char *policy_of(const struct new_build *wanted, const char *directory)
{
	autojson struct json *policy = json_copy(wanted->policy);
	char rules[DIGEST_TEXT_SIZE];

	json_set_text(policy, "rules", digest_text(&wanted->rules, rules));
	json_set_text(policy, "directory", directory);
	json_set_text(policy, "action", wanted->action);
	if (wanted->settings->on_error)
		json_set_text(policy, "on_error", wanted->settings->on_error);
	if (wanted->settings->no_checkpoints)
		json_set_bool(policy, "no_checkpoints", true);
	return json_to_line(policy);
}

/* An image without a row gets one. In a transaction. */
static int add_rows(const struct new_build *wanted, struct build_record *record,
	const struct evaluated_image *image, struct error *err)
{
	const struct repository *repository = wanted->repository;
	struct store *store = repository->head->store;
	autofree char *full_name = memory_printf("%s/%s", repository->name, wanted->image);
	autofree char *notes = json_to_line(image->notes);

	if (image_get(store, repository->id, wanted->image, &record->image, err) < 0)
		return -1;
	return build_add(store, record, image->closure, notes, full_name, err);
}

static int make_record(const struct new_build *wanted, const struct build_inputs *inputs,
	struct build_record *record, struct error *err)
{
	const struct evaluated_image *image = &inputs->evaluation.images[0];
	autojson struct json *bases = NULL;
	int64_t now_usec = world->now_usec();
	char hex[OBJECT_ID_HEX_SIZE];

	if (order_bases(wanted->repository, image, &bases, err) < 0)
		return -1;
	*record = (struct build_record){
		.id = new_build_id(now_usec),
		.phase = PHASE_PLANNED,
		.commit = memory_copy_text(object_id_hex(&wanted->commit->id, hex)),
		.author = memory_copy_text(wanted->commit->author),
		.authored_usec = wanted->commit->authored_usec,
		.closure = wanted->closure,
		.reuses = wanted->reuses,
		.definition = memory_copy_text(wanted->definition),
		.policy = policy_of(wanted, image->directory),
		.reasons = json_to_line(wanted->reasons),
		.bases = json_to_line(bases),
		.builder = memory_copy_text(inputs->recipe.build_type),
		.created_usec = now_usec,
	};
	return 0;
}

static int save(const struct new_build *wanted, const struct build_inputs *inputs,
	struct build_record *record, struct error *err)
{
	struct store *store = wanted->repository->head->store;

	if (make_record(wanted, inputs, record, err) < 0 || store_begin(store, err) < 0)
		return -1;
	if (add_rows(wanted, record, &inputs->evaluation.images[0], err) < 0) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, err);
}

int new_build_add(
	const struct new_build *wanted, struct replacement **replacement, struct error *err)
{
	CLEANUP(definition_freep) struct definition *definition = NULL;
	CLEANUP(build_inputs_clear) struct build_inputs inputs = {0};
	struct build_record record = {0};

	if (prepare_inputs(wanted->repository, &wanted->commit->tree, wanted->definition,
		    wanted->image, world->now_usec(), &definition, &inputs, err) < 0)
		return -1;
	const struct evaluated_image *image = &inputs.evaluation.images[0];
	if (!image->complete || !digest_equal(&image->digest, &wanted->closure))
		return 0;
	if (save(wanted, &inputs, &record, err) < 0 ||
		replacement_new(wanted->repository->head, &record, replacement, err) < 0) {
		build_record_clear(&record);
		return -1;
	}
	(*replacement)->settings = wanted->settings;
	return 1;
}
