/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/template/recipe.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/template/decode.h"

static struct interpolation interpolation_of(const struct recipe_context *context)
{
	return (struct interpolation){
		.values = &context->variables->values,
		.template_folder = context->template_folder,
		.working_folder = context->working_folder,
		.live = context->live,
		.now_usec = context->now_usec,
		.get_environment = context->get_environment,
	};
}

char *recipe_build_name(const struct recipe_context *context, const struct template_part *builder)
{
	struct interpolation interpolation = interpolation_of(context);
	struct text name = {0};
	struct error ignored;

	if (interpolation_render(&interpolation, builder->name, &name, &ignored) < 0 ||
		!name.size) {
		text_clear(&name);
		return memory_copy_text(builder->name);
	}
	return text_take(&name);
}

static int parse_retries(const struct interpolation *interpolation, const char *raw,
	int64_t *retries, struct error *err)
{
	CLEANUP(text_clear) struct text rendered = {0};
	char *end;

	if (interpolation_render(interpolation, raw, &rendered, err) < 0)
		return fail_while(err, "max_retries");
	const char *text = text_get(&rendered);
	*retries = strtoll(text, &end, 10);
	if (!*text || *end)
		return fail(
			err, ERROR_CATALOG, "max_retries must be a whole number, not \"%s\"", text);
	return 0;
}

/* Uses of variables in actions that a closure leaves as they are. */
static void pin_uses(
	const struct interpolation *interpolation, const struct json *value, struct strings *pinned)
{
	struct error ignored;

	if (json_kind(value) == JSON_TEXT)
		interpolation_find_uses(
			interpolation, json_text(value, ""), pinned, NULL, &ignored);
	for (size_t i = 0; json_kind(value) == JSON_LIST && i < json_count(value); i++)
		pin_uses(interpolation, json_item(value, i), pinned);
	json_each_member (member, value)
		pin_uses(interpolation, member.value, pinned);
}

static struct recipe_part make_part(const struct recipe_context *context, struct recipe *recipe,
	const struct template_part *part, const char *builder, struct reasons *problems)
{
	struct interpolation interpolation = interpolation_of(context);
	CLEANUP(strings_clear) struct strings wrong = {0};
	struct recipe_part made = {.part = part, .plugin = plugin_find(part->kind, part->type)};
	struct error err;

	interpolation.build_name = recipe->build_name;
	interpolation.build_type = recipe->build_type;
	interpolation.build_data = part->kind != PLUGIN_BUILDER;
	interpolation.used_variables = &recipe->used_variables;
	interpolation.used_build_name = &recipe->uses_build_name;
	interpolation.left = &recipe->left;
	made.options =
		decode_part(context->template, part, made.plugin, builder, &interpolation, &wrong);
	strings_each (text, &wrong)
		reasons_add(problems, REASON_INVALID, context->template->source.name, NULL, NULL,
			"%s", text);
	if (part->max_retries &&
		parse_retries(&interpolation, part->max_retries, &made.max_retries, &err) < 0)
		reasons_add(problems, REASON_INVALID, context->template->source.name, NULL, NULL,
			"%s: %s", context->template->source.name, err.text);
	if (!context->live && made.options)
		pin_uses(&interpolation, made.options, &recipe->pinned_variables);
	return made;
}

static void make_list(const struct recipe_context *context, struct recipe *recipe,
	const struct template_parts *parts, const char *builder, struct recipe_part **list,
	size_t *count, struct reasons *problems)
{
	size_t room = 0, dropped = SIZE_MAX;

	for (size_t i = 0; i < parts->count; i++) {
		const struct template_part *part = &parts->items[i];
		if (!template_part_runs_in(part, builder))
			continue;
		if (part->kind == PLUGIN_POST_PROCESSOR && context->except &&
			strings_has(context->except, part->name))
			dropped = part->index;
		if (part->kind == PLUGIN_POST_PROCESSOR && part->index == dropped)
			continue;
		MEMORY_GROW(*list, *count, room);
		(*list)[(*count)++] = make_part(context, recipe, part, builder, problems);
	}
}

void recipe_make(const struct recipe_context *context, const struct template_part *builder,
	struct recipe *recipe, struct reasons *problems)
{
	const struct template *template = context->template;

	*recipe = (struct recipe){.build_name = recipe_build_name(context, builder),
		.build_type = builder->type,
		.left = INTERPOLATION_MOST};
	recipe->builder = make_part(context, recipe, builder, builder->name, problems);
	make_list(context, recipe, &template->provisioners, builder->name, &recipe->provisioners,
		&recipe->provisioner_count, problems);
	make_list(context, recipe, &template->post_processors, builder->name,
		&recipe->post_processors, &recipe->post_processor_count, problems);
	if (template->cleanup)
		recipe->cleanup =
			make_part(context, recipe, template->cleanup, builder->name, problems);
	variables_follow(context->variables, &recipe->used_variables, &recipe->used_environment);
	strings_sort(&recipe->used_variables);
	strings_sort(&recipe->pinned_variables);
	strings_unique(&recipe->pinned_variables);
}

void recipe_clear(struct recipe *recipe)
{
	free(recipe->build_name);
	json_free(recipe->builder.options);
	for (size_t i = 0; i < recipe->provisioner_count; i++)
		json_free(recipe->provisioners[i].options);
	for (size_t i = 0; i < recipe->post_processor_count; i++)
		json_free(recipe->post_processors[i].options);
	json_free(recipe->cleanup.options);
	free(recipe->provisioners);
	free(recipe->post_processors);
	strings_clear(&recipe->used_variables);
	strings_clear(&recipe->used_environment);
	strings_clear(&recipe->pinned_variables);
	*recipe = (struct recipe){0};
}

void recipe_each_part(struct recipe *recipe, recipe_visit *visit, void *context)
{
	visit(context, &recipe->builder);
	for (size_t i = 0; i < recipe->provisioner_count; i++)
		visit(context, &recipe->provisioners[i]);
	if (recipe->cleanup.part)
		visit(context, &recipe->cleanup);
	for (size_t i = 0; i < recipe->post_processor_count; i++)
		visit(context, &recipe->post_processors[i]);
}
