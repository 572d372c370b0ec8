/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/evaluating.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"
#include "reconciler/tools/tool.h"

void image_work_clear(struct image_work *build)
{
	size_t owners = build->recipe.provisioner_count + build->recipe.post_processor_count + 2;

	for (size_t i = 0; build->files && i < owners; i++)
		strings_clear(&build->files[i]);
	free(build->files);
	references_clear(&build->references);
	recipe_clear(&build->recipe);
	redactor_clear(&build->masks);
}

size_t image_work_owner(const struct image_work *build, const struct recipe_part *part)
{
	const struct recipe *recipe = &build->recipe;

	if (part >= recipe->provisioners && part < recipe->provisioners + recipe->provisioner_count)
		return part - recipe->provisioners;
	if (part == &recipe->builder)
		return recipe->provisioner_count;
	if (part == &recipe->cleanup)
		return recipe->provisioner_count + 1;
	return recipe->provisioner_count + 2 + (part - recipe->post_processors);
}

/* "provisioner 2 (shell): script" */
static char *reference_label(const struct reference *reference)
{
	char label[128];

	return memory_printf("%s: %s", template_part_label(reference->part->part, label),
		reference->option->name);
}

/* Where REFERENCE points when relative paths count from FOLDER; NULL if that leads out. The caller frees. */
static char *resolve(const struct reference *reference, const char *folder)
{
	return path_beneath(reference->kind == REFERENCE_ROOTED ? "" : folder, reference->value);
}

static bool counts_for_folder(const struct reference *reference)
{
	return reference->kind == REFERENCE_RELATIVE && reference->path != PATH_OUTPUT &&
	       !reference->optional;
}

/* How many of the relative paths are there from FOLDER. */
static int count_there(struct image_work *build, const char *folder, size_t *there, size_t *wanted)
{
	*there = *wanted = 0;
	for (size_t i = 0; i < build->references.count; i++) {
		const struct reference *reference = &build->references.items[i];
		bool found = false;
		if (!counts_for_folder(reference))
			continue;
		(*wanted)++;
		autofree char *path = resolve(reference, folder);
		if (!path)
			continue;
		if (reference->path == PATH_PATTERN) {
			if (inputs_matches(build->inputs, path, &found, build->work->err) < 0)
				return -1;
		} else {
			enum entry_kind kind;
			if (inputs_look(build->inputs, path, &kind, build->work->err) < 0)
				return -1;
			found = kind != ENTRY_NONE;
		}
		*there += found;
		if (!found)
			map_set(&build->inputs->absent, path, NULL);
	}
	return 0;
}

int image_work_make_recipe(struct image_work *build, size_t index)
{
	struct work *work = build->work;
	autofree char *template_folder = path_folder(work->definition->template_path);
	autofree char *template_root = work_rooted(template_folder);
	autofree char *working_root = work_rooted(work->candidates[index]);
	struct recipe_context context = {
		work->template, &work->variables[index], template_root, working_root, false, 0};
	struct error err;

	references_clear(&build->references);
	recipe_clear(&build->recipe);
	reasons_clear(&build->image->problems);
	if (work_solve(work, index, &err) < 0) {
		reasons_add(&build->image->problems, REASON_VARIABLE,
			work->definition->template_path, NULL, NULL, "%s", err.text);
		return -1;
	}
	recipe_make(&context, build->builder, &build->recipe, &build->image->problems);
	references_find(&build->recipe, &build->references);
	return 0;
}

/* What is missing, said once for both folders; CHOSEN is the one that stands. */
static void report_missing(
	struct image_work *build, size_t chosen, const size_t there[], const size_t wanted[])
{
	struct work *work = build->work;
	bool mixed = work->candidate_count == FOLDERS_MOST && there[0] && there[1];
	const char *folder = work->candidates[chosen];

	if (mixed)
		reasons_add(&build->image->problems, REASON_MISSING,
			work->definition->template_path, NULL, NULL,
			"%s: of the files that it names %zu of %zu lie below %s and %zu of %zu "
			"below the root: relative paths count from one folder (set `directory`)",
			work->definition->template_path, there[0], wanted[0],
			*work->candidates[0] ? work->candidates[0] : "the root", there[1],
			wanted[1]);
	for (size_t i = 0; i < build->references.count; i++) {
		const struct reference *reference = &build->references.items[i];
		struct error err;
		bool found[FOLDERS_MOST] = {false, false};
		CLEANUP(strings_clear) struct strings tried = {0};
		if (!counts_for_folder(reference))
			continue;
		for (size_t c = 0; c < work->candidate_count; c++) {
			autofree char *path = resolve(reference, work->candidates[c]);
			if (path && inputs_matches(build->inputs, path, &found[c], &err) == 0)
				strings_add_once(&tried, path);
		}
		if (mixed ? found[0] && found[1] : found[chosen])
			continue;
		autofree char *label = reference_label(reference);
		autofree char *where = strings_join(&tried, " and ");
		autofree char *path = resolve(reference, folder);
		if (!tried.count)
			continue; /* it leads out, which is said elsewhere */
		reasons_add(&build->image->problems, REASON_MISSING, path ? path : tried.items[0],
			NULL, NULL, "%s: %s names %s: %s %s", work->definition->template_path,
			label, reference->value,
			found[0] || found[1] ? "there is only one of" : "there is no", where);
	}
}

int image_work_choose_folder(struct image_work *build, size_t *chosen)
{
	struct work *work = build->work;
	size_t there[FOLDERS_MOST] = {0}, wanted[FOLDERS_MOST] = {0};

	for (size_t c = 0; c < work->candidate_count; c++) {
		*chosen = c;
		if (image_work_make_recipe(build, c) < 0)
			return 0;
		if (count_there(build, work->candidates[c], &there[c], &wanted[c]) < 0)
			return -1;
		if (there[c] == wanted[c])
			return 1;
	}
	/* nowhere all: the folder where some are stands, the first if both have some */
	size_t best = there[0] ? 0 : *chosen;
	if (!there[best])
		best = 0;
	if (*chosen != best) {
		*chosen = best;
		if (image_work_make_recipe(build, best) < 0)
			return 0;
	}
	report_missing(build, best, there, wanted);
	return 1;
}

static void add_outside(struct image_work *build, const struct reference *reference)
{
	autofree char *label = reference_label(reference);

	reasons_add(&build->image->problems, REASON_OUTSIDE, reference->value, NULL, NULL,
		"%s: %s %s %s, which leads out of the %s", build->work->definition->template_path,
		label, reference->path == PATH_OUTPUT ? "writes" : "names", reference->value,
		reference->path == PATH_OUTPUT ? "build's own folder" : "repository");
}

static void add_base(struct image_work *build, const struct reference *reference)
{
	const struct evaluator *evaluator = build->work->evaluator;
	struct evaluated_image *image = build->image;
	struct evaluated_base base = {0};
	autofree char *label = reference_label(reference);

	if (!image_reference_parse(reference->value, &base.reference)) {
		reasons_add(&image->problems, REASON_INVALID,
			build->work->definition->template_path, NULL, NULL,
			"%s: %s: catalog:%s is not of the form catalog:NAME, catalog:NAME@CHANNEL "
			"or "
			"catalog:NAME@N",
			build->work->definition->template_path, label, reference->value);
		return;
	}
	base.text = memory_printf("catalog:%s", reference->value);
	base.known = evaluator->find_base &&
	             evaluator->find_base(evaluator->context, &base.reference, &base.digest);
	image->bases = memory_resize(image->bases, image->base_count + 1, sizeof(*image->bases));
	image->bases[image->base_count++] = base;
	image->complete = image->complete && base.known;
}

static int add_file(struct image_work *build, const struct reference *reference, const char *folder)
{
	struct strings *files = &build->files[image_work_owner(build, reference->part)];
	autofree char *path = resolve(reference, folder);
	autofree char *label = reference_label(reference);
	bool found;

	bool perhaps = reference->path == PATH_WORDS || reference->path == PATH_NAME;
	if (!path && perhaps)
		return 0; /* a word, then */
	if (!path) {
		add_outside(build, reference);
		return 0;
	}
	if (reference->path == PATH_OUTPUT)
		return 0;
	if (perhaps) {
		enum entry_kind kind;
		if (inputs_look(build->inputs, path, &kind, build->work->err) < 0)
			return -1;
		bool tree = kind == ENTRY_FOLDER && reference->path == PATH_NAME && *path;
		if (kind != ENTRY_FILE && !tree)
			return 0;
	}
	if (inputs_add(build->inputs, path, reference->path, files, &found, build->work->err) < 0)
		return -1;
	/* of relative ones that are missing report_missing has spoken */
	if (!found && !reference->optional && reference->kind == REFERENCE_ROOTED)
		reasons_add(&build->image->problems, REASON_MISSING, path, NULL, NULL,
			"%s: %s names %s, which is not in the repository",
			build->work->definition->template_path, label, path);
	return 0;
}

int image_work_add_reference(
	struct image_work *build, const struct reference *reference, const char *folder)
{
	struct strings *files = &build->files[image_work_owner(build, reference->part)];
	autofree char *label = reference_label(reference);

	switch (reference->kind) {
	case REFERENCE_RELATIVE:
	case REFERENCE_ROOTED:
		return add_file(build, reference, folder);
	case REFERENCE_OUTSIDE:
		if (reference->path == PATH_OUTPUT || reference->value[0] == '~') {
			add_outside(build, reference);
			return 0;
		}
		return inputs_add_outside(build->inputs, reference->value, files, build->work->err);
	case REFERENCE_CATALOG:
		add_base(build, reference);
		return 0;
	case REFERENCE_UNKNOWN:
		if (reference->path != PATH_OUTPUT)
			reasons_add(&build->image->problems, REASON_INVALID,
				build->work->definition->template_path, NULL, NULL,
				"%s: %s names %s: which file that is must be known before the "
				"build",
				build->work->definition->template_path, label, reference->value);
		return 0;
	}
	return 0;
}

struct tool_parts {
	struct image_work *build;
	const char *folder;
	bool failed;
};

static void add_tool_inputs(void *context, struct recipe_part *part)
{
	struct tool_parts *parts = context;
	struct image_work *build = parts->build;

	if (parts->failed || !part->plugin || !part->options)
		return;
	parts->failed = tool_add_inputs(part->plugin, build->inputs, parts->folder, part->options,
				&build->files[image_work_owner(build, part)], build->work->err) < 0;
}

int image_work_add_tool_inputs(struct image_work *build, const char *folder)
{
	struct tool_parts parts = {build, folder, false};

	recipe_each_part(&build->recipe, add_tool_inputs, &parts);
	return parts.failed ? -1 : 0;
}

int image_work_add_inputs(struct image_work *build, struct strings *added)
{
	strings_each (path, &build->work->definition->inputs) {
		autofree char *clean = path_beneath("", path);
		bool found = false;
		if (!clean) {
			reasons_add(&build->image->problems, REASON_OUTSIDE, path, NULL, NULL,
				"inputs: %s leads out of the repository", path);
			continue;
		}
		if (inputs_add(build->inputs, clean, PATH_PATTERN, added, &found,
			    build->work->err) < 0)
			return -1;
		if (!found && !path_is_pattern(clean))
			reasons_add(&build->image->problems, REASON_MISSING, clean, NULL, NULL,
				"inputs: %s is not in the repository", clean);
	}
	return 0;
}
