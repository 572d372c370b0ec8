/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/prepare.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/journal.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "reconciler/describe.h"
#include "reconciler/manifest.h"
#include "reconciler/order.h"
#include "reconciler/packer_order.h"
#include "reconciler/write_out.h"
#include "state/event.h"

struct preparation {
	struct replacement *replacement;
	struct json *order;
	struct error *err;
};

/* ---- building: everything from the commit ---- */

/* Into builds/BUILD/work/tree, which is empty; a descriptor of it. */
static int lay_out(struct preparation *preparation, const struct inputs *inputs)
{
	autofree char *folder = replacement_folder(preparation->replacement);
	autofree char *path = memory_printf("%s/work/tree", folder);
	autofree char *work = memory_printf("%s/work", folder);
	struct error *err = preparation->err;

	if (folder_remove(AT_FDCWD, path, err) < 0)
		return -1;
	autoclose int work_fd = folder_make(AT_FDCWD, work, 0711, err);
	autoclose int tree = work_fd < 0 ? -1 : folder_make(work_fd, "tree", 0755, err);
	if (tree < 0 || write_out(inputs, tree, err) < 0)
		return -1;
	return TAKE_FD(tree);
}

static int check_identity(
	const struct replacement *replacement, const struct build_inputs *inputs, struct error *err)
{
	const struct evaluated_image *image = &inputs->evaluation.images[0];

	if (image->complete && digest_equal(&image->digest, &replacement->build.closure))
		return 0;
	return fail(err, ERROR_CONFLICT,
		"it has another closure now than when it was planned: its base moved or is gone, "
		"or it was started with variables of its own");
}

static int add_build(struct preparation *preparation, struct repository *repository,
	const struct definition *definition, const struct build_inputs *inputs)
{
	const struct replacement *replacement = preparation->replacement;
	struct build_order_options options = {
		.no_checkpoints = json_get_boolean(replacement->policy, "no_checkpoints", false),
		.on_error = json_get_text(replacement->policy, "on_error", NULL),
	};

	return order_add_build(
		preparation->order, repository, definition, inputs, &options, preparation->err);
}

int prepare_inputs(struct repository *repository, const struct object_id *tree, const char *key,
	const char *image, int64_t now_usec, struct definition **definition,
	struct build_inputs *inputs, struct error *err)
{
	struct index index = {.source = repository->source, .evaluator = repository->evaluator};
	CLEANUP(snapshot_freep) struct snapshot *snapshot = snapshot_new(repository->source, tree);
	struct evaluator evaluator = repository->evaluator;

	*inputs = (struct build_inputs){0};
	*definition = NULL;
	if (index_read_definition_at(&index, tree, key, definition, err) < 0)
		return -1;
	if (!*definition)
		return fail(err, ERROR_CONFLICT, "nothing defines %s at its commit", image);
	evaluator.snapshot = snapshot;
	return evaluate_build(&evaluator, *definition, image, now_usec, inputs, err);
}

/* Opens what the build was planned from, at its own commit, and hands it to USE. */
static int from_commit(struct preparation *preparation,
	int (*use)(struct preparation *preparation, struct repository *repository,
		const struct definition *definition, struct build_inputs *inputs))
{
	const struct replacement *replacement = preparation->replacement;
	const struct build_record *build = &replacement->build;
	CLEANUP(repository_close) struct repository repository = {0};
	autojson struct json *bases = NULL;
	CLEANUP(commit_clear) struct commit commit = {0};
	CLEANUP(definition_freep) struct definition *definition = NULL;
	CLEANUP(build_inputs_clear) struct build_inputs inputs = {0};
	struct error *err = preparation->err;

	if (repository_open(
		    replacement->head, replacement->repository.place, NULL, &repository, err) < 0 ||
		repository_resolve(&repository, build->commit, &commit, err) < 0)
		return -1;
	repository_apply(&repository, replacement->settings);
	if (replacement->cold)
		repository.pinned = bases = describe_column(build->bases);
	if (prepare_inputs(&repository, &commit.tree, build->definition, replacement->image,
		    build->created_usec, &definition, &inputs, err) < 0 ||
		check_identity(replacement, &inputs, err) < 0)
		return -1;
	return use(preparation, &repository, definition, &inputs);
}

static int lay_out_and_order(struct preparation *preparation, struct repository *repository,
	const struct definition *definition, struct build_inputs *inputs)
{
	autoclose int tree = lay_out(preparation, &inputs->evaluation.inputs);

	if (tree < 0 || add_build(preparation, repository, definition, inputs) < 0)
		return -1;
	if (!inputs->evaluation.images[0].packer)
		return 0;
	return packer_order_add(
		preparation->order, repository, definition, inputs, tree, preparation->err);
}

static int lay_out_alone(struct preparation *preparation, struct repository *repository,
	const struct definition *definition, struct build_inputs *inputs)
{
	(void)repository;
	(void)definition;
	autoclose int tree = lay_out(preparation, &inputs->evaluation.inputs);

	return tree < 0 ? -1 : 0;
}

static int add_machine(struct preparation *preparation, struct repository *repository,
	const struct definition *definition, struct build_inputs *inputs)
{
	(void)definition;
	order_add_machine(preparation->order, repository, inputs);
	return 0;
}

static int lay_out_and_add_machine(struct preparation *preparation, struct repository *repository,
	const struct definition *definition, struct build_inputs *inputs)
{
	return lay_out_alone(preparation, repository, definition, inputs) < 0
	               ? -1
	               : add_machine(preparation, repository, definition, inputs);
}

static int prepare_build(struct preparation *preparation)
{
	return from_commit(preparation, lay_out_and_order);
}

/* ---- the other jobs ---- */

static int add_artifact(struct preparation *preparation)
{
	const struct build_record *build = &preparation->replacement->build;
	struct json *artifact;

	if (!build->artifact)
		return fail(preparation->err, ERROR_BROKEN, "build %s has no artifact", build->id);
	if (json_parse_bytes(
		    build->artifact, strlen(build->artifact), &artifact, preparation->err) < 0)
		return -1;
	json_set(preparation->order, "artifact", artifact);
	return 0;
}

/* The files are a published version's: its own, or the one that is checked again. */
static int add_published_files(struct preparation *preparation, int64_t version)
{
	const struct replacement *replacement = preparation->replacement;
	struct head *head = replacement->head;
	struct image_record image;
	struct build_record build;
	struct error *err = preparation->err;

	if (image_find_by_id(head->store, replacement->build.image, &image, err) <= 0)
		return -1;
	int found = build_find_version(head->store, image.id, version, &build, err);
	if (found > 0) {
		autofree char *folder =
			order_version_folder(head, &replacement->repository, &image, &build);
		json_set_text(preparation->order, "artifact_folder", folder);
		build_record_clear(&build);
	}
	image_record_clear(&image);
	return found > 0 ? 0
	                 : fail(err, ERROR_CONFLICT, "version %lld is not there any more",
				   (long long)version);
}

static bool has_boot(const struct json *rules)
{
	for (size_t i = 0; i < json_count(rules); i++)
		if (strcmp(json_get_text(json_item(rules, i), "type", ""), "boot") == 0)
			return true;
	return false;
}

static int prepare_validate(struct preparation *preparation)
{
	struct replacement *replacement = preparation->replacement;
	const struct json *layers = journal_find_last(replacement->journal, "layers");
	const struct json *rules = json_get(replacement->policy, "validate");
	bool boots = has_boot(rules);

	json_set(preparation->order, "validate", json_copy(rules));
	json_set_text(preparation->order, "gate",
		json_get_text(replacement->policy, "gate", gate_name(GATE_REPORT)));
	json_set_text(preparation->order, "directory",
		json_get_text(replacement->policy, "directory", ""));
	if (layers)
		json_set(preparation->order, "trees", json_copy(json_get(layers, "trees")));
	if (add_artifact(preparation) < 0)
		return -1;
	if (!replacement->build.reuses)
		return boots ? from_commit(preparation, add_machine) : 0;
	if (add_published_files(preparation, replacement->build.reuses) < 0)
		return -1;
	return from_commit(preparation, boots ? lay_out_and_add_machine : lay_out_alone);
}

/* What the build before this one, of the same closure, had of differences. */
static int add_first(struct preparation *preparation)
{
	const struct replacement *replacement = preparation->replacement;
	const char *build = json_get_text(replacement->policy, "cold_first", NULL);
	autofree char *folder =
		memory_printf("%s/builds/%s", replacement->head->state, build ? build : "");
	autojson struct json *journal = NULL;

	if (!build)
		return 0;
	autoclose int fd = folder_open(AT_FDCWD, folder, preparation->err);
	if (fd < 0 || journal_read(fd, &journal, preparation->err) < 0)
		return -1;
	json_set(preparation->order, "first",
		json_copy(json_get(journal_find_last(journal, "comparison"), "differences")));
	return 0;
}

/* The version, and whether another build of its closure had differences already. */
static int prepare_compare(struct preparation *preparation)
{
	const struct replacement *replacement = preparation->replacement;
	struct head *head = replacement->head;
	struct json *published = json_new_object();
	struct build_record version;
	struct error *err = preparation->err;
	int found = build_find_version(
		head->store, replacement->build.image, replacement->cold, &version, err);

	json_set(preparation->order, "published", published);
	if (found <= 0)
		return found < 0 ? -1 : fail(err, ERROR_CONFLICT, "the version is gone");
	json_set(published, "artifact", describe_column(version.artifact));
	build_record_clear(&version);
	if (add_first(preparation) < 0 || add_artifact(preparation) < 0 ||
		add_published_files(preparation, replacement->cold) < 0)
		return -1;
	if (!*json_get_text(preparation->order, "artifact_folder", ""))
		return fail(err, ERROR_CATALOG, "no catalog of this machine has its files");
	/* the artifact's own files are the build's: the folder is the other side's */
	json_set(published, "folder", json_copy(json_get(preparation->order, "artifact_folder")));
	json_remove(preparation->order, "artifact_folder");
	return from_commit(preparation, add_machine);
}

static int add_catalogs(struct preparation *preparation, const char *key, const struct json *names)
{
	const struct replacement *replacement = preparation->replacement;
	autofree char *name = order_catalog_image(&replacement->repository, replacement->image);
	struct json *catalogs;

	if (order_catalogs(replacement->head, names, &catalogs, preparation->err) < 0)
		return -1;
	json_set(preparation->order, key, catalogs);
	json_set_text(preparation->order, "catalog_image", name);
	return 0;
}

static int add_manifest(struct preparation *preparation)
{
	const struct replacement *replacement = preparation->replacement;
	const struct build_record *build = &replacement->build;
	struct store *store = replacement->head->store;
	autofree char *text = NULL;
	struct digest event;
	int64_t previous;

	if (closure_find(store, &build->closure, &text, NULL, preparation->err) <= 0 ||
		event_before_publishing(store, build->id, &event, preparation->err) < 0 ||
		channel_find(store, build->image, "current", &previous, preparation->err) < 0)
		return -1;
	json_set(preparation->order, "manifest", manifest_make(replacement, text, &event));
	json_set_integer(preparation->order, "previous", previous);
	return 0;
}

static int prepare_publish(struct preparation *preparation)
{
	if (add_artifact(preparation) < 0 ||
		add_catalogs(preparation, "catalogs",
			json_get(preparation->replacement->policy, "publish")) < 0)
		return -1;
	return add_manifest(preparation);
}

/* `current` last: it tells that all others moved. */
struct json *prepare_channels(const struct json *policy, int64_t version)
{
	struct json *channels = json_new_object();
	const struct json *names = json_get(policy, "channels");

	for (size_t i = 0; i < json_count(names); i++)
		json_set_integer(channels, json_text(json_item(names, i), ""), version);
	json_set_integer(channels, "current", version);
	return channels;
}

static int prepare_switch(struct preparation *preparation)
{
	const struct replacement *replacement = preparation->replacement;
	const struct build_record *build = &replacement->build;
	const struct json *ordered = replacement->ordered;
	const struct json *missing = json_get(ordered, "publish");

	json_set(preparation->order, "channels",
		ordered ? json_copy(json_get(ordered, "channels"))
			: prepare_channels(replacement->policy, build->version));
	json_set_bool(preparation->order, "remove_work", true);
	if (json_count(missing) && (add_catalogs(preparation, "publish", missing) < 0 ||
					   add_artifact(preparation) < 0 ||
					   add_published_files(preparation, build->version) < 0 ||
					   add_manifest(preparation) < 0))
		return -1;
	if (!ordered)
		return add_catalogs(
			preparation, "catalogs", json_get(replacement->policy, "publish"));
	return add_catalogs(preparation, "catalogs", json_get(ordered, "catalogs"));
}

static int prepare_retire(struct preparation *preparation)
{
	const struct replacement *replacement = preparation->replacement;
	const struct json *published = json_get(replacement->policy, "published");
	CLEANUP(version_marks_clear) struct version_marks channels = {0};

	if (marks_list(replacement->head->store, replacement->build.image, MARK_CHANNEL, &channels,
		    preparation->err) < 0)
		return -1;
	/* the whole image goes: its channels too */
	json_set_bool(preparation->order, "last", channels.count == 0);
	return add_catalogs(preparation, "catalogs",
		published ? published : json_get(replacement->policy, "publish"));
}

static int prepare_remove(struct preparation *preparation)
{
	(void)preparation;
	return 0;
}

static int (*const preparations[JOB_COUNT])(struct preparation *preparation) = {
	[JOB_BUILD] = prepare_build,
	[JOB_VALIDATE] = prepare_validate,
	[JOB_COMPARE] = prepare_compare,
	[JOB_PUBLISH] = prepare_publish,
	[JOB_SWITCH] = prepare_switch,
	[JOB_RETIRE] = prepare_retire,
	[JOB_REMOVE] = prepare_remove,
};

int prepare_job(
	struct replacement *replacement, enum job_kind job, struct json **order, struct error *err)
{
	autofree char *path = replacement_folder(replacement);
	autojson struct json *made = order_new(
		replacement->head, job_kind_name(job), &replacement->build, replacement->full_name);
	struct preparation preparation = {replacement, made, err};
	autoclose int folder = folder_make(AT_FDCWD, path, 0711, err);

	if (folder < 0)
		return -1;
	json_set_integer(made, "serial", replacement->build.attempts);
	if (preparations[job](&preparation) < 0)
		return -1;
	*order = TAKE(made);
	return 0;
}
