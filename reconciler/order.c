/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/order.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "backends/artifact.h"
#include "backends/plugins/ssh_options.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "reconciler/world.h"

struct json *order_new(struct head *head, const char *job, const struct build_record *build,
	const char *image_name)
{
	struct json *order = json_new_object();
	autofree char *folder = memory_printf("%s/builds/%s", head->state, build->id);

	json_set_text(order, "job", job);
	json_set_text(order, "build", build->id);
	json_set_text(order, "image", image_name);
	json_set_text(order, "state", head->state);
	json_set_text(order, "folder", folder);
	json_set_text(order, "build_type", build->builder);
	json_set_integer(order, "version", build->version);
	json_set_integer(order, "subid_base", head->service.limits.subid_base);
	json_set_integer(order, "timeout_sec", head->service.limits.build_timeout_sec);
	json_set_integer(order, "log_bytes", head->service.limits.log_bytes);
	json_set_integer(order, "disk_reserve_bytes", head->service.limits.disk_reserve_bytes);
	return order;
}

/* ---- catalogs ---- */

static struct json *describe_catalog(
	const char *name, const char *type, const char *path, const char *url)
{
	struct json *about = json_new_object();

	json_set_text(about, "name", name);
	json_set_text(about, "type", type);
	json_set_text(about, "path", path);
	if (url)
		json_set_text(about, "url", url);
	return about;
}

int order_catalogs(const struct head *head, const struct json *names, struct json **catalogs,
	struct error *err)
{
	*catalogs = json_new_list();
	for (size_t i = 0; i < json_count(names); i++) {
		const char *name = json_text(json_item(names, i), "");
		const struct service_catalog *catalog = map_find(&head->service.catalogs, name);
		autofree char *local = memory_printf("%s/catalog", head->state);
		if (catalog) {
			json_add(*catalogs,
				describe_catalog(name, catalog->type ? catalog->type : "directory",
					catalog->path, catalog->url));
		} else if (strcmp(name, "local") == 0) {
			json_add(*catalogs, describe_catalog(name, "directory", local, NULL));
		} else {
			json_free(*catalogs);
			*catalogs = NULL;
			return fail(err, ERROR_CATALOG,
				"there is no catalog %s (catalogs in service.json)", name);
		}
	}
	return 0;
}

char *order_catalog_image(const struct repository_record *repository, const char *name)
{
	return repository->prefixed ? memory_printf("%s/%s", repository->name, name)
	                            : memory_copy_text(name);
}

char *order_version_folder(const struct head *head, const struct repository_record *repository,
	const struct image_record *image, const struct build_record *build)
{
	autojson struct json *policy = NULL;
	autofree char *name = order_catalog_image(repository, image->name);
	struct error ignored;

	if (json_parse_bytes(build->policy, strlen(build->policy), &policy, &ignored) < 0)
		return memory_copy_text("");
	const struct json *names = json_get(policy, "published");
	for (size_t i = 0; i < json_count(names); i++) {
		autojson struct json *catalogs = NULL, *one = json_new_list();
		json_add(one, json_copy(json_item(names, i)));
		if (order_catalogs(head, one, &catalogs, &ignored) == 0)
			return memory_printf("%s/%s/%lld/files",
				json_get_text(json_item(catalogs, 0), "path", ""), name,
				(long long)build->version);
	}
	return memory_copy_text("");
}

/* ---- bases ---- */

int order_bases(struct repository *repository, const struct evaluated_image *image,
	struct json **bases, struct error *err)
{
	*bases = json_new_list();
	for (size_t i = 0; i < image->base_count; i++) {
		const struct evaluated_base *base = &image->bases[i];
		struct build_record build;
		char text[DIGEST_TEXT_SIZE];
		int found = repository_find_version(repository, &base->reference, &build, err);
		if (found <= 0) {
			json_free(*bases);
			*bases = NULL;
			return found < 0 ? -1
			                 : fail(err, ERROR_CONFLICT, "%s has no version any more",
						   base->text);
		}
		struct json *about = json_new_object();
		json_set_text(about, "text", base->text);
		json_set_text(about, "image", base->reference.image);
		json_set_integer(about, "version", build.version);
		json_set_text(about, "digest", digest_text(&build.digest, text));
		json_add(*bases, about);
		build_record_clear(&build);
	}
	return 0;
}

/* What is elsewhere is named by its id: that of one region without it, as options want it. */
static void set_id(struct json *about, const struct json *outputs)
{
	const char *found = NULL;

	for (size_t i = 0; i < json_count(outputs); i++) {
		const struct json *output = json_item(outputs, i);
		const char *id = json_get_text(output, "id", "");
		if (json_get_integer(output, "files", 0) || !*id ||
			strcmp(json_get_text(output, "builder_id", ""), ARTIFACT_NOTHING) == 0)
			continue;
		if (found)
			return;
		found = id;
	}
	if (!found)
		return;
	const char *image = strstr(found, ":ami-");
	json_set_text(about, "id", image && !strchr(found, ',') ? image + 1 : found);
}

/* Where the files of a base are: one file, or the folder of an OCI layout. */
static int locate_base(struct repository *repository, const struct json *base, struct json *about,
	struct error *err)
{
	struct head *head = repository->head;
	struct image_record image;
	struct repository_record record;
	struct build_record build;
	int found = image_find(
		head->store, repository->id, json_get_text(base, "image", ""), &image, err);

	if (found <= 0)
		return found < 0 ? -1 : fail(err, ERROR_CONFLICT, "a base vanished");
	found = build_find_version(
		head->store, image.id, json_get_integer(base, "version", 0), &build, err);
	if (found > 0 && repository_find(head->store, repository->id, &record, err) > 0) {
		autojson struct json *artifact = NULL;
		struct error ignored;
		autofree char *folder = order_version_folder(head, &record, &image, &build);
		json_set_text(about, "folder", folder);
		if (build.artifact && json_parse_bytes(build.artifact, strlen(build.artifact),
					      &artifact, &ignored) == 0) {
			const struct json *files = json_get(artifact, "files");
			if (json_count(files) == 1)
				json_set_text(about, "file",
					json_get_text(json_item(files, 0), "name", ""));
			set_id(about, json_get(artifact, "outputs"));
		}
		repository_record_clear(&record);
	}
	if (found > 0)
		build_record_clear(&build);
	image_record_clear(&image);
	return found > 0 ? 0 : fail(err, ERROR_CONFLICT, "a base vanished");
}

static int add_bases(struct json *order, struct repository *repository,
	const struct evaluated_image *image, struct error *err)
{
	autojson struct json *bases = NULL;
	struct json *list = json_new_list();

	json_set(order, "bases", list);
	if (order_bases(repository, image, &bases, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(bases); i++) {
		struct json *about = json_copy(json_item(bases, i));
		json_add(list, about);
		if (locate_base(repository, json_item(bases, i), about, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the recipe ---- */

static struct json *describe_part(const struct recipe_part *part)
{
	struct json *about = json_new_object();

	json_set_text(about, "type", part->part->type);
	json_set(about, "options", json_copy(part->options));
	if (part->part->pause_before_nsec)
		json_set_integer(about, "pause_before", part->part->pause_before_nsec);
	if (part->part->timeout_nsec)
		json_set_integer(about, "timeout", part->part->timeout_nsec);
	if (part->max_retries)
		json_set_integer(about, "max_retries", part->max_retries);
	if (part->part->keep_input >= 0)
		json_set_bool(about, "keep_input_artifact", part->part->keep_input);
	return about;
}

static struct json *describe_steps(const struct recipe *recipe, const struct evaluated_image *image)
{
	struct json *list = json_new_list();
	char hex[DIGEST_HEX_SIZE];

	for (size_t i = 0; i < recipe->provisioner_count; i++) {
		struct json *about = describe_part(&recipe->provisioners[i]);
		const struct evaluated_step *step = &image->steps[i];
		json_set_text(about, "digest", digest_hex(&step->digest, hex));
		json_set_bool(about, "open", step->open);
		json_set_bool(about, "keep", step->keep);
		json_set_integer(about, "max_age_sec", step->max_age_sec);
		json_add(list, about);
	}
	return list;
}

static struct json *describe_sequences(const struct recipe *recipe)
{
	struct json *list = json_new_list(), *sequence = NULL;
	size_t last = 0;

	for (size_t i = 0; i < recipe->post_processor_count; i++) {
		const struct recipe_part *part = &recipe->post_processors[i];
		if (!sequence || part->part->index != last) {
			sequence = json_new_list();
			json_add(list, sequence);
			last = part->part->index;
		}
		json_add(sequence, describe_part(part));
	}
	return list;
}

/* A fresh one for each run, in the form of a UUID. */
static void set_run_uuid(struct json *order)
{
	unsigned char r[16] = {0};
	char text[40];

	world->fill_random(r, sizeof(r));
	snprintf(text, sizeof(text),
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1],
		r[2], r[3], r[4], r[5], (r[6] & 0x0F) | 0x40, r[7], (r[8] & 0x3F) | 0x80, r[9],
		r[10], r[11], r[12], r[13], r[14], r[15]);
	json_set_text(order, "run_uuid", text);
}

static bool uses_build_name(const struct evaluated_image *image)
{
	return strstr(image->closure, "\noption build_name ") != NULL;
}

/* Layers are shared with the store of checkpoints unless something of this machine may touch the files. */
static bool needs_private_blobs(const struct recipe *recipe, const struct definition *definition)
{
	if (recipe->post_processor_count)
		return true;
	for (size_t i = 0; i < json_count(definition->validate); i++)
		if (strcmp(json_get_text(json_item(definition->validate, i), "type", ""),
			    "shell-local") == 0)
			return true;
	return false;
}

static void add_lists(
	struct json *order, const struct repository *repository, const struct build_inputs *inputs)
{
	struct json *secrets = json_new_list(), *outside = json_new_list();

	strings_each (secret, &inputs->secrets)
		json_add_text(secrets, secret);
	map_each (entry, &inputs->evaluation.inputs.files)
		if (entry->key[0] == '/')
			json_add_text(outside, entry->key);
	json_set(order, "secrets", secrets);
	json_set(order, "outside", outside);
	json_set_bool(order, "network",
		power_is_granted(&repository->grants, power_name(POWER_HOST_NETWORK)));
}

/*
 * What the key pair of a machine is made from, where it gets one: the same for every build of an image, so that checkpoints let the next
 * build in, and known to nobody who does not know this installation's key.
 */
static void add_key_seed(struct json *order, const struct repository *repository)
{
	const struct json *builder = json_get(order, "builder");
	const struct evaluator *evaluator = &repository->evaluator;
	autofree char *text = memory_printf("ssh key of %s", json_get_text(order, "image", ""));
	char hex[DIGEST_HEX_SIZE];
	struct digest seed;

	if (strcmp(json_get_text(builder, "type", ""), "qemu") != 0 ||
		!ssh_options_want_key(json_get(builder, "options")))
		return;
	digest_hmac(evaluator->key, evaluator->key_size, text, strlen(text), &seed);
	json_set_text(order, "key_seed", digest_hex(&seed, hex));
}

void order_add_machine(
	struct json *order, const struct repository *repository, const struct build_inputs *inputs)
{
	json_set_text(order, "packer_build_name", inputs->recipe.build_name);
	if (inputs->recipe.builder.part)
		json_set(order, "builder", describe_part(&inputs->recipe.builder));
	add_key_seed(order, repository);
	add_lists(order, repository, inputs);
}

static const char *const checkpoint_names[] = {[CHECKPOINT_BY_BUILDER] = "",
	[CHECKPOINT_MEMORY] = "memory",
	[CHECKPOINT_DISK] = "disk",
	[CHECKPOINT_OFF] = "off"};

int order_add_build(struct json *order, struct repository *repository,
	const struct definition *definition, const struct build_inputs *inputs,
	const struct build_order_options *options, struct error *err)
{
	const struct evaluated_image *image = &inputs->evaluation.images[0];
	const struct recipe *recipe = &inputs->recipe;
	char hex[DIGEST_HEX_SIZE];

	json_set_text(order, "directory", image->directory);
	json_set_integer(order, "epoch", definition->source_date_epoch);
	if (uses_build_name(image))
		json_set_text(order, "build_name", recipe->build_name);
	json_set_text(order, "packer_build_name", recipe->build_name);
	json_set_text(order, "build_type", recipe->build_type);
	json_set_text(order, "root_digest", digest_hex(&image->root_digest, hex));
	json_set_text(order, "on_error", options->on_error ? options->on_error : "cleanup");
	json_set_bool(order, "checkpoints",
		definition->checkpoints != CHECKPOINT_OFF && !options->no_checkpoints);
	json_set_text(order, "checkpoint_kind", checkpoint_names[definition->checkpoints]);
	json_set_text(order, "gate", gate_name(definition->gate));
	json_set_bool(order, "private_blobs", needs_private_blobs(recipe, definition));
	set_run_uuid(order);
	if (recipe->builder.part)
		json_set(order, "builder", describe_part(&recipe->builder));
	add_key_seed(order, repository);
	json_set(order, "provisioners", describe_steps(recipe, image));
	if (recipe->cleanup.part)
		json_set(order, "cleanup", describe_part(&recipe->cleanup));
	json_set(order, "post_processors", describe_sequences(recipe));
	add_lists(order, repository, inputs);
	return add_bases(order, repository, image, err);
}
