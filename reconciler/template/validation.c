/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/template/validation.h"

#include <string.h>

#include "base/cleanup.h"
#include "reconciler/template/file_check.h"

struct build {
	const struct loaded_template *loaded;
	struct recipe recipe;
	struct strings *problems;
};

/* ---- builds ---- */

static void check_known(void *context, struct recipe_part *part)
{
	const struct build *build = context;
	enum plugin_kind kind = part->part->kind;
	char label[128];

	if (part->plugin)
		return;
	const char *near = plugin_nearest(kind, part->part->type);
	strings_addf(build->problems, "%s: %s: there is no such %s%s%s%s",
		build->loaded->template->source.name, template_part_label(part->part, label),
		plugin_kind_name(kind), near ? " (did you mean " : "", near ? near : "",
		near ? "?)" : "");
}

static void validate_build(const struct validation_request *request,
	const struct loaded_template *loaded, const struct template_part *builder,
	struct strings *problems)
{
	struct recipe_context context = loaded_template_context(loaded);
	CLEANUP(reasons_clear) struct reasons reasons = {0};
	struct build build = {.loaded = loaded, .problems = problems};

	context.except = request->except;
	recipe_make(&context, builder, &build.recipe, &reasons);
	for (size_t i = 0; i < reasons.count; i++)
		strings_add(problems, reasons.items[i].text);
	recipe_each_part(&build.recipe, check_known, &build);
	file_check(loaded, &build.recipe, problems);
	recipe_clear(&build.recipe);
}

static bool is_selected(const struct validation_request *request, const char *name)
{
	if (request->only->count && !strings_has(request->only, name))
		return false;
	return !strings_has(request->except, name);
}

static void validate_builds(const struct validation_request *request,
	const struct loaded_template *loaded, struct strings *problems)
{
	struct recipe_context context = loaded_template_context(loaded);

	for (size_t i = 0; i < loaded->template->builders.count; i++) {
		const struct template_part *builder = &loaded->template->builders.items[i];
		autofree char *name = recipe_build_name(&context, builder);
		CLEANUP(strings_clear) struct strings found = {0};
		if (!is_selected(request, name))
			continue;
		validate_build(request, loaded, builder, &found);
		/* what several builds share is said once */
		strings_each (problem, &found)
			strings_add_once(problems, problem);
	}
}

void template_validate(const struct validation_request *request, struct strings *problems)
{
	CLEANUP(loaded_template_clear) struct loaded_template loaded;
	struct error err;

	if (template_load(&request->template, &loaded, &err) < 0 ||
		(!request->syntax_only && template_solve(&loaded, &err) < 0))
		strings_add(problems, err.text);
	else if (!request->syntax_only)
		validate_builds(request, &loaded, problems);
}
