/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/evaluating.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"

enum {
	OPEN_MAX_AGE_SEC = 24 * 3600, /* where the definition says nothing */
	PACKER_ENGINE_VERSION = 1,
};

/* ---- the closure ---- */

static void add_core_options(
	struct closure *closure, const char *prefix, const struct recipe_part *part)
{
	const struct template_part *from = part->part;
	autojson struct json *core = json_new_object();

	json_set_text(core, "type", from->type);
	if (from->pause_before_nsec)
		json_set_integer(core, "pause_before", from->pause_before_nsec);
	if (from->timeout_nsec)
		json_set_integer(core, "timeout", from->timeout_nsec);
	if (part->max_retries)
		json_set_integer(core, "max_retries", part->max_retries);
	if (from->keep_input >= 0)
		json_set_bool(core, "keep_input_artifact", from->keep_input);
	closure_add_options(closure, prefix, core);
}

static void add_part(struct closure *closure, const char *prefix, const struct recipe_part *part)
{
	add_core_options(closure, prefix, part);
	closure_add_options(closure, prefix, part->options);
}

/* Of kiln's own drivers: packer's count with it. */
static void add_backend(
	const struct image_work *build, struct closure *closure, const struct recipe_part *part)
{
	const struct plugin *plugin = part->plugin;

	if (!plugin || !plugin->native || build->image->packer)
		return;
	autofree char *name = memory_printf("%s/%s", plugin_kind_name(plugin->kind), plugin->name);
	autofree char *version = memory_printf("%d", plugin->version);
	closure_add(closure, "backend", name, version);
}

static void add_files(
	struct image_work *build, struct closure *closure, const struct strings *paths)
{
	strings_each (path, paths) {
		const struct input *input = map_find(&build->inputs->files, path);
		if (!input || !input->in_closure)
			continue;
		autofree char *value = memory_printf("%o+%s", input->mode, input->value);
		closure_add(closure, "file", path, value);
	}
}

/* The links and submodules on the way to FILES: whatever was looked up lies in `files` under its own name. */
static void add_ways(struct image_work *build, struct closure *closure)
{
	map_each (entry, &build->inputs->files) {
		const struct input *input = entry->value;
		if (input->mode != 0120000 && input->mode != 0160000)
			continue;
		autofree char *value = memory_printf("%o+%s", input->mode, input->value);
		closure_add(closure, "file", input->path, value);
	}
}

static bool mentions_build_name(const struct image_work *build, const struct json *value)
{
	if (json_kind(value) == JSON_TEXT)
		return strstr(json_text(value, ""), "PACKER_BUILD_NAME") ||
		       strstr(json_text(value, ""), ".BuildName");
	for (size_t i = 0; json_kind(value) == JSON_LIST && i < json_count(value); i++)
		if (mentions_build_name(build, json_item(value, i)))
			return true;
	json_each_member (member, value)
		if (mentions_build_name(build, member.value))
			return true;
	return false;
}

/*
 * A build gets its name only if something in it asks for the name; so only then the name is an input. Files are asked
 * too: a script reads PACKER_BUILD_NAME.
 */
static bool uses_build_name(const struct image_work *build)
{
	const struct recipe *recipe = &build->recipe;
	size_t owners = recipe->provisioner_count + recipe->post_processor_count + 2;

	/* packer gives its name to everything */
	if (build->image->packer)
		return true;
	if (recipe->uses_build_name || mentions_build_name(build, recipe->builder.options) ||
		mentions_build_name(build, recipe->cleanup.options))
		return true;
	for (size_t i = 0; i < recipe->provisioner_count; i++)
		if (mentions_build_name(build, recipe->provisioners[i].options))
			return true;
	for (size_t i = 0; i < recipe->post_processor_count; i++) {
		const struct recipe_part *part = &recipe->post_processors[i];
		if (mentions_build_name(build, part->options) ||
			(part->plugin && part->plugin->renders_files &&
				build->files[image_work_owner(build, part)].count))
			return true;
	}
	for (size_t i = 0; i < owners; i++)
		strings_each (path, &build->files[i]) {
			const struct input *input = map_find(&build->inputs->files, path);
			if (input && input->mentions_build_name)
				return true;
		}
	return false;
}

static bool reaches_network(const struct image_work *build)
{
	return build->image->packer ||
	       strcmp(json_get_text(build->recipe.builder.options, "network", "none"), "host") == 0;
}

static bool is_fetched(const char *place)
{
	return strstr(place, "://") && !text_starts_with(place, "file://");
}

/* Nothing in the template says what comes: no checksum, or one that is fetched as well. */
static bool is_loose(const char *checksum)
{
	return strcmp(checksum, "none") == 0 ||
	       (text_starts_with(checksum, "file:") && is_fetched(checksum + strlen("file:")));
}

/* What the builder starts from is another tomorrow, and no line of the closure would tell. */
static bool starts_open(const struct recipe *recipe)
{
	const struct json *options = recipe->builder.options;
	bool fetched = false, loose = false;

	if (!recipe->builder.plugin)
		return false;
	plugin_each_option(option, recipe->builder.plugin)
	{
		const struct json *value = json_get(options, option->name);
		if (option->path == PATH_CHECKSUM)
			loose |= is_loose(json_text(value, ""));
		if (option->path != PATH_URL || !option->source_image)
			continue;
		fetched |= is_fetched(json_text(value, ""));
		for (size_t i = 0; json_kind(value) == JSON_LIST && i < json_count(value); i++)
			fetched |= is_fetched(json_text(json_item(value, i), ""));
	}
	return fetched && loose;
}

static bool runs_code(const struct recipe_part *part)
{
	return strcmp(part->part->type, "file") != 0;
}

/* What one step gets by itself: the digest does not change when steps before it come or go. */
static void describe_step(struct image_work *build, size_t index, bool name_used,
	const struct strings *extra, struct evaluated_step *step)
{
	const struct recipe_part *part = &build->recipe.provisioners[index];
	const struct step_policy *policy = definition_find_step(build->work->definition, index);
	struct closure closure = {.masks = &build->masks};

	step->open = policy && policy->open >= 0 ? policy->open
	                                         : reaches_network(build) && runs_code(part);
	step->max_age_sec = policy && policy->max_age_sec ? policy->max_age_sec : OPEN_MAX_AGE_SEC;
	step->keep = !image_work_holds_masked(&build->masks, part->options) ||
	             (policy && policy->checkpoint_secrets);
	add_part(&closure, "step", part);
	add_backend(build, &closure, part);
	add_files(build, &closure, &build->files[index]);
	if (strcmp(part->part->type, "shell-local") == 0)
		add_files(build, &closure, extra);
	if (name_used)
		closure_add(&closure, "option", "build_name", build->recipe.build_name);
	closure_digest(&closure, &step->digest);
	closure_clear(&closure);
}

static void describe_steps(struct image_work *build, bool name_used, const struct strings *extra)
{
	struct evaluated_image *image = build->image;
	struct closure root = {.masks = &build->masks};

	image->step_count = build->recipe.provisioner_count;
	image->steps = memory_new(image->step_count * sizeof(*image->steps));
	for (size_t i = 0; i < image->step_count; i++)
		describe_step(build, i, name_used, extra, &image->steps[i]);
	/* what the first step starts from: the builder, but for the form of its result */
	autojson struct json *options = json_copy(build->recipe.builder.options);
	json_remove(options, "format");
	closure_add_options(&root, "builder", options);
	closure_add(&root, "backend", "id-map", build->work->evaluator->many_ids ? "65536" : "1");
	add_backend(build, &root, &build->recipe.builder);
	add_files(build, &root, &build->files[image_work_owner(build, &build->recipe.builder)]);
	for (size_t i = 0; i < image->base_count; i++) {
		char text[DIGEST_TEXT_SIZE];
		closure_add(&root, "base", image->bases[i].text,
			digest_text(&image->bases[i].digest, text));
	}
	autofree char *epoch =
		memory_printf("%lld", (long long)build->work->definition->source_date_epoch);
	closure_add(&root, "epoch", epoch, NULL);
	closure_digest(&root, &image->root_digest);
	closure_clear(&root);
}

static void add_all_parts(struct image_work *build, struct closure *closure)
{
	const struct recipe *recipe = &build->recipe;
	size_t last = SIZE_MAX, sequence = 0, place = 0;

	add_part(closure, "builder", &recipe->builder);
	add_backend(build, closure, &recipe->builder);
	for (size_t i = 0; i < recipe->provisioner_count; i++) {
		autofree char *prefix = memory_printf("provisioner.%03zu", i);
		add_part(closure, prefix, &recipe->provisioners[i]);
		add_backend(build, closure, &recipe->provisioners[i]);
	}
	if (recipe->cleanup.part) {
		add_part(closure, "error-cleanup-provisioner", &recipe->cleanup);
		add_backend(build, closure, &recipe->cleanup);
	}
	for (size_t i = 0; i < recipe->post_processor_count; i++) {
		const struct recipe_part *part = &recipe->post_processors[i];
		/* counted anew: sequences and places of this build, not of the template */
		if (part->part->index != last) {
			sequence += last != SIZE_MAX;
			place = 0;
			last = part->part->index;
		}
		autofree char *prefix =
			memory_printf("post-processor.%03zu.%03zu", sequence, place++);
		add_part(closure, prefix, part);
		add_backend(build, closure, part);
	}
}

void image_work_add_engine(struct closure *closure)
{
	autofree char *version = memory_printf("%d", PACKER_ENGINE_VERSION);

	closure_add(closure, "backend", "engine/packer", version);
}

void image_work_write_closure(
	struct image_work *build, const struct variables *variables, const struct strings *extra)
{
	struct work *work = build->work;
	struct evaluated_image *image = build->image;
	struct closure closure = {.masks = &build->masks};
	size_t owners = build->recipe.provisioner_count + build->recipe.post_processor_count + 2;
	bool name_used = uses_build_name(build);
	char text[DIGEST_TEXT_SIZE];

	add_all_parts(build, &closure);
	if (image->packer) {
		image_work_add_engine(&closure);
	} else if (strcmp(build->recipe.build_type, "rootfs") == 0) {
		closure_add(
			&closure, "backend", "id-map", work->evaluator->many_ids ? "65536" : "1");
	}
	if (name_used)
		closure_add(&closure, "option", "build_name", build->recipe.build_name);
	strings_each (name, &build->recipe.pinned_variables) {
		autofree char *key = memory_printf("variable.%s", name);
		const struct variable *variable = map_find(&variables->by_name, name);
		closure_add(&closure, "option", key, variable ? variable->value : "");
	}
	for (size_t i = 0; i < owners; i++)
		add_files(build, &closure, &build->files[i]);
	add_files(build, &closure, extra);
	add_ways(build, &closure);
	map_each (entry, &build->inputs->absent)
		closure_add(&closure, "absent", entry->key, NULL);
	for (size_t i = 0; i < image->base_count; i++)
		closure_add(&closure, "base", image->bases[i].text,
			image->bases[i].known ? digest_text(&image->bases[i].digest, text) : "?");
	image_work_add_secrets(build, variables, &closure);
	describe_steps(build, name_used, extra);
	for (size_t i = 0; i < image->step_count; i++) {
		autofree char *step = memory_printf("%03zu", i);
		if (image->steps[i].open)
			closure_add(&closure, "open", step, NULL);
	}
	if (starts_open(&build->recipe))
		closure_add(&closure, "open", "source", NULL);
	autofree char *epoch =
		memory_printf("%lld", (long long)work->definition->source_date_epoch);
	closure_add(&closure, "epoch", epoch, NULL);
	image->closure = closure_text(&closure, &image->digest);
	closure_clear(&closure);
}

/* What `why` tells a changed variable from a changed template by. Values that are secret are masked. */
void image_work_write_notes(struct image_work *build, const struct variables *variables)
{
	struct json *notes = json_new_object(), *used = json_new_object();

	strings_each (name, &build->recipe.used_variables) {
		const struct variable *variable = map_find(&variables->by_name, name);
		if (!variable)
			continue;
		struct json *about = json_new_object();
		struct closure line = {.masks = &build->masks};
		closure_add(&line, "v", "v", variable->value ? variable->value : "");
		json_set_text(about, "value", line.lines.items[0] + strlen("v v "));
		json_set_text(about, "origin",
			variable->origin ? variable->origin
					 : build->work->definition->template_path);
		json_set(used, name, about);
		closure_clear(&line);
	}
	json_set(notes, "variables", used);
	json_set_text(notes, "template", build->work->definition->template_path);
	build->image->notes = notes;
}

void image_work_check_steps(struct image_work *build)
{
	const struct definition *definition = build->work->definition;
	const struct plugin *builder = build->recipe.builder.plugin;

	if (definition->checkpoints == CHECKPOINT_MEMORY && !(builder && builder->keeps_memory))
		reasons_add(&build->image->problems, REASON_UNSUPPORTED, DEFINITIONS_PATH, NULL,
			NULL, "checkpoints: builds of %s have no memory to keep: disk or off",
			build->recipe.build_type);
	for (size_t i = 0; i < definition->step_count; i++)
		if ((size_t)definition->steps[i].index >= build->recipe.provisioner_count)
			reasons_add(&build->image->problems, REASON_INVALID, DEFINITIONS_PATH, NULL,
				NULL,
				"steps: there is no step %lld: the build has %zu, counted from 0",
				(long long)definition->steps[i].index,
				build->recipe.provisioner_count);
}
