/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/evaluating.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/path.h"

void work_digest_rules(const struct work *work, struct digest *digest)
{
	CLEANUP(text_clear) struct text text = {0};

	json_write(work->definition->validate, JSON_LINE, &text);
	if (work->definition->gate == GATE_REFUSE)
		text_add(&text, " gate refuse");
	digest_of(text_get(&text), text.size, digest);
}

static int evaluate_one(struct image_work *build)
{
	struct work *work = build->work;
	struct evaluated_image *image = build->image;
	CLEANUP(strings_clear) struct strings extra = {0};
	CLEANUP(reasons_clear) struct reasons looking = {0};
	size_t chosen = 0;

	image->complete = true;
	build->inputs->problems = &looking; /* said again when the files are added */
	work_digest_rules(work, &image->validate_digest);
	int usable = image_work_choose_folder(build, &chosen);
	if (usable <= 0) {
		reasons_add_all(&image->problems, &work->problems);
		return usable;
	}
	image->directory = memory_copy_text(work->candidates[chosen]);
	build->files = memory_new(
		(build->recipe.provisioner_count + build->recipe.post_processor_count + 2) *
		sizeof(*build->files));
	build->inputs->problems = &image->problems;
	for (size_t i = 0; i < build->references.count; i++)
		if (image_work_add_reference(build, &build->references.items[i], image->directory) <
			0)
			return -1;
	if (image_work_add_tool_inputs(build, image->directory) < 0 ||
		image_work_add_inputs(build, &extra) < 0)
		return -1;
	const struct variables *variables = &work->variables[chosen];
	image_work_add_masks(build, variables);
	image_work_check_powers(build);
	image_work_choose_engine(build);
	image_work_check_steps(build);
	image_work_write_closure(build, variables, &extra);
	image_work_write_notes(build, variables);
	reasons_add_all(&image->problems, &work->problems);
	return 0;
}

/* ---- all builds ---- */

struct evaluated_image *work_add_image(struct work *work, char *name)
{
	struct evaluation *evaluation = work->evaluation;

	MEMORY_GROW(evaluation->images, evaluation->count, evaluation->room);
	struct evaluated_image *image = &evaluation->images[evaluation->count++];
	*image = (struct evaluated_image){.name = name};
	return image;
}

/* Dependencies of one build join those of the definition; its files are its own. */
void work_finish_inputs(struct work *work, struct inputs *inputs, struct inputs *keep)
{
	map_each (entry, &inputs->dependencies) {
		const struct dependency *dependency = entry->value;
		inputs_depend(&work->evaluation->inputs, dependency->path, dependency->prefix);
	}
	if (keep)
		*keep = *inputs;
	else
		inputs_clear(inputs);
}

/* KEEP (may be NULL) gets the inputs of the build in place of their being dropped. */
static int evaluate_builder(
	struct work *work, const struct template_part *builder, bool several, struct inputs *keep)
{
	autofree char *folder = path_folder(work->definition->template_path);
	autofree char *root = work_rooted(folder);
	struct error ignored;
	struct recipe_context context = {work->template, &work->variables[0], root, root, false, 0};
	autofree char *build_name = work_solve(work, 0, &ignored) == 0
	                                    ? recipe_build_name(&context, builder)
	                                    : memory_copy_text(builder->name);
	struct inputs inputs;
	struct image_work build = {.work = work, .builder = builder, .inputs = &inputs};

	build.image = work_add_image(
		work, several ? definition_name_with_build(work->definition->name, build_name)
			      : memory_copy_text(work->definition->name));
	build.image->build_name = TAKE(build_name);
	inputs_init(&inputs, work->evaluator->snapshot, work->evaluator->cache,
		work->evaluator->grants, &build.image->problems);
	int result = evaluate_one(&build);
	work_finish_inputs(work, &inputs, result == 0 ? keep : NULL);
	image_work_clear(&build);
	return result;
}

static void add_broken(struct work *work, enum reason_kind kind, const char *text)
{
	struct evaluated_image *image =
		work_add_image(work, memory_copy_text(work->definition->name));

	reasons_add_all(&image->problems, &work->problems);
	if (text)
		reasons_add(&image->problems, kind, work->definition->template_path, NULL, NULL,
			"%s", text);
	work_digest_rules(work, &image->validate_digest);
}

/* Template, var-files and variables; 0 if the template cannot be used, which is then said. */
static int prepare(struct work *work)
{
	const struct definition *definition = work->definition;
	autofree char *bytes = NULL;
	struct error err;
	size_t size;
	bool found;

	work->overrides.free_value = work_free_override;
	reasons_add_all(&work->problems, &definition->problems);
	if (!definition->template_path) {
		add_broken(work, REASON_INVALID, NULL);
		return 0;
	}
	if (inputs_read(&work->evaluation->inputs, definition->template_path, TEMPLATE_SIZE_MOST,
		    &bytes, &size, &found, &err) < 0) {
		add_broken(work, REASON_INVALID, err.text);
		return 0;
	}
	if (!found) {
		autofree char *text = memory_printf(
			"the template %s is not in the repository", definition->template_path);
		add_broken(work, REASON_MISSING, text);
		return 0;
	}
	if (template_parse(definition->template_path, bytes, size, &work->template, &err) < 0 ||
		template_check(work->template, &err) < 0) {
		add_broken(work, REASON_INVALID, err.text);
		return 0;
	}
	if (work_read_var_files(work) < 0)
		return -1;
	work_read_variables(work);
	work_find_folders(work);
	return 1;
}

/* The builder that the definition's `build` names, by its rendered name or as it is written. */
static const struct template_part *find_build(struct work *work)
{
	const struct template_parts *builders = &work->template->builders;
	struct error ignored;
	bool solved = work_solve(work, 0, &ignored) == 0;

	for (size_t i = 0; i < builders->count; i++) {
		struct recipe_context context = {
			work->template, &work->variables[0], "", "", false, 0};
		autofree char *name = solved ? recipe_build_name(&context, &builders->items[i])
		                             : memory_copy_text(builders->items[i].name);
		if (strcmp(name, work->definition->build) == 0 ||
			strcmp(builders->items[i].name, work->definition->build) == 0)
			return &builders->items[i];
	}
	return NULL;
}

static void report_unknown_build(struct work *work)
{
	const struct template_parts *builders = &work->template->builders;
	autofree const char **names = memory_new(builders->count * sizeof(*names));

	for (size_t i = 0; i < builders->count; i++)
		names[i] = builders->items[i].name;
	const char *near = nearest_name(work->definition->build, names, builders->count);
	autofree char *text = memory_printf("%s has no build %s%s%s%s",
		work->definition->template_path, work->definition->build,
		near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
	add_broken(work, REASON_INVALID, text);
}

static int evaluate_builds(struct work *work)
{
	const struct template_parts *builders = &work->template->builders;

	if (work->definition->build) {
		const struct template_part *builder = find_build(work);
		if (builder)
			return evaluate_builder(work, builder, false, NULL);
		report_unknown_build(work);
		return 0;
	}
	for (size_t i = 0; i < builders->count; i++)
		if (evaluate_builder(work, &builders->items[i], builders->count > 1, NULL) < 0)
			return -1;
	return 0;
}

static int evaluate_json(struct work *work)
{
	int usable = prepare(work);

	return usable > 0 ? evaluate_builds(work) : usable;
}

static void evaluation_init(
	const struct evaluator *evaluator, struct evaluation *evaluation, struct reasons *problems)
{
	*evaluation = (struct evaluation){0};
	inputs_init(&evaluation->inputs, evaluator->snapshot, evaluator->cache, evaluator->grants,
		problems);
}

int evaluate(const struct evaluator *evaluator, const struct definition *definition,
	struct evaluation *evaluation, struct error *err)
{
	struct work work = {.evaluator = evaluator,
		.definition = definition,
		.evaluation = evaluation,
		.err = err};

	evaluation_init(evaluator, evaluation, &work.problems);
	bool hcl;
	int result = evaluate_is_hcl(&work, &hcl, err);
	if (result == 0)
		result = hcl ? evaluate_hcl(&work, NULL) : evaluate_json(&work);
	work_clear(&work);
	evaluation->inputs.problems = NULL;
	return result < 0 ? fail_while(err, "%s", definition->key) : 0;
}

static void image_clear(struct evaluated_image *image)
{
	free(image->name);
	free(image->build_name);
	free(image->directory);
	reasons_clear(&image->problems);
	strings_clear(&image->needs);
	free(image->closure);
	for (size_t i = 0; i < image->base_count; i++) {
		image_reference_clear(&image->bases[i].reference);
		free(image->bases[i].text);
	}
	free(image->bases);
	free(image->steps);
	json_free(image->notes);
}

void evaluation_clear(struct evaluation *evaluation)
{
	for (size_t i = 0; i < evaluation->count; i++)
		image_clear(&evaluation->images[i]);
	free(evaluation->images);
	inputs_clear(&evaluation->inputs);
	*evaluation = (struct evaluation){0};
}

/* ---- for a build ---- */

/* The builder whose image is called NAME. */
static const struct template_part *find_builder_of(struct work *work, const char *image)
{
	const struct template_parts *builders = &work->template->builders;

	if (work->definition->build)
		return find_build(work);
	if (builders->count == 1)
		return &builders->items[0];
	for (size_t i = 0; i < builders->count; i++) {
		struct recipe_context context = {
			work->template, &work->variables[0], "", "", false, 0};
		autofree char *build = recipe_build_name(&context, &builders->items[i]);
		autofree char *name = definition_name_with_build(work->definition->name, build);
		if (strcmp(name, image) == 0)
			return &builders->items[i];
	}
	return NULL;
}

/* The recipe once more, with the clock: what is left open in a closure gets its value now. */
static int render_live(struct work *work, const struct template_part *builder, int64_t now_usec,
	struct build_inputs *build, struct error *err)
{
	const struct evaluated_image *image = &build->evaluation.images[0];
	autofree char *folder = path_folder(work->definition->template_path);
	autofree char *template_root = work_rooted(folder);
	autofree char *working_root = work_rooted(image->directory);
	struct interpolation context = {.template_folder = template_root,
		.working_folder = working_root,
		.live = true,
		.now_usec = now_usec,
		.get_environment = work_get_environment,
		.context = work};
	CLEANUP(reasons_clear) struct reasons problems = {0};

	if (variables_solve(work->template, &work->overrides, &context, &build->variables, err) < 0)
		return -1;
	struct recipe_context live = {
		work->template, &build->variables, template_root, working_root, true, now_usec};
	recipe_make(&live, builder, &build->recipe, &problems);
	if (problems.count)
		return fail(err, ERROR_CATALOG, "%s", problems.items[0].text);
	map_each (entry, &build->variables.by_name) {
		const struct variable *variable = entry->value;
		if (variable->sensitive && variable->value)
			strings_add_once(&build->secrets, variable->value);
	}
	return 0;
}

/* Takes over the INPUTS of the build's one image, in which nothing may be wrong. */
static int keep_inputs(struct build_inputs *build, const struct inputs *inputs, struct error *err)
{
	const struct reasons *problems = &build->evaluation.images[0].problems;

	inputs_clear(&build->evaluation.inputs);
	build->evaluation.inputs = *inputs;
	build->evaluation.inputs.problems = NULL;
	return problems->count ? fail(err, ERROR_CATALOG, "%s", problems->items[0].text) : 0;
}

static int build_of_json(struct work *work, const char *image, int64_t now_usec,
	struct build_inputs *build, struct error *err)
{
	struct inputs inputs;
	struct error ignored;
	int usable = prepare(work);

	if (usable < 0)
		return -1;
	if (!usable)
		return fail(err, ERROR_CATALOG, "%s",
			build->evaluation.images[0].problems.items[0].text);
	work_solve(work, 0, &ignored);
	const struct template_part *builder = find_builder_of(work, image);
	if (!builder)
		return fail(err, ERROR_CATALOG, "no build gives %s any more", image);
	bool several = work->template->builders.count > 1 && !work->definition->build;
	if (evaluate_builder(work, builder, several, &inputs) < 0 ||
		keep_inputs(build, &inputs, err) < 0)
		return -1;
	return render_live(work, builder, now_usec, build, err);
}

static int build_of_hcl(struct work *work, struct build_inputs *build, struct error *err)
{
	const struct definition *definition = work->definition;
	struct inputs inputs;

	if (evaluate_hcl(work, &inputs) < 0 || keep_inputs(build, &inputs, err) < 0)
		return -1;
	build->recipe.build_name = memory_copy_text(definition->build ? definition->build : "");
	build->recipe.build_type = "packer";
	map_each (entry, &work->overrides) {
		const struct variable_override *override = entry->value;
		if (override->secret)
			strings_add_once(&build->secrets, override->value);
	}
	return 0;
}

int evaluate_build(const struct evaluator *evaluator, const struct definition *definition,
	const char *image, int64_t now_usec, struct build_inputs *build, struct error *err)
{
	struct work work = {.evaluator = evaluator,
		.definition = definition,
		.evaluation = &build->evaluation,
		.err = err};
	bool hcl;

	*build = (struct build_inputs){0};
	evaluation_init(evaluator, &build->evaluation, &work.problems);
	int result = evaluate_is_hcl(&work, &hcl, err);
	if (result == 0)
		result = hcl ? build_of_hcl(&work, build, err)
		             : build_of_json(&work, image, now_usec, build, err);
	/* the recipe borrows from these */
	build->template = TAKE(work.template);
	build->overrides = work.overrides;
	work.overrides = (struct map){0};
	work_clear(&work);
	return result;
}

void build_inputs_clear(struct build_inputs *build)
{
	recipe_clear(&build->recipe);
	variables_clear(&build->variables);
	map_clear(&build->overrides);
	template_free(build->template);
	strings_clear(&build->secrets);
	evaluation_clear(&build->evaluation);
}
