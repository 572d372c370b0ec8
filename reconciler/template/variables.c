/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/template/variables.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"

enum { PASSES_MOST = 100 };

void variable_override_free(struct variable_override *override)
{
	if (!override)
		return;
	free(override->value);
	free(override->origin);
	free(override->secret);
	free(override);
}

static void free_variable(void *pointer)
{
	struct variable *variable = pointer;

	free(variable->value);
	strings_clear(&variable->uses);
	strings_clear(&variable->environment);
	free(variable);
}

void variables_clear(struct variables *variables)
{
	map_clear(&variables->by_name);
	map_clear(&variables->values);
}

static struct variable *add(struct variables *variables, const char *name)
{
	struct variable *variable = map_find(&variables->by_name, name);

	if (!variable) {
		variable = memory_new(sizeof(*variable));
		map_set(&variables->by_name, name, variable);
	}
	return variable;
}

static int gather(const struct template *template, const struct map *overrides,
	struct variables *variables, struct error *err)
{
	json_each_member (member, template->variables)
		add(variables, member.key)->raw = json_text(member.value, NULL);
	if (overrides) {
		map_each (entry, overrides) {
			const struct variable_override *override = entry->value;
			struct variable *variable = add(variables, entry->key);
			variable->raw = override->value;
			variable->origin = override->origin;
			variable->secret = override->secret;
			variable->sensitive = override->secret != NULL;
		}
	}
	for (size_t i = 0; i < json_count(template->sensitive); i++) {
		struct variable *variable = map_find(
			&variables->by_name, json_text(json_item(template->sensitive, i), ""));
		if (variable)
			variable->sensitive = true;
	}
	map_each (entry, &variables->by_name) {
		const struct variable *variable = entry->value;
		if (!variable->raw)
			return template_fail(template, template->variables, entry->key, err,
				"the variable %s must be given, and nobody gives it", entry->key);
	}
	return 0;
}

/* Where the variable is written, for messages. */
static int fail_variable(const struct template *template, const char *name,
	const struct variable *variable, struct error *err)
{
	struct error cause = *err;

	if (variable->origin || !template->variables)
		return fail(err, ERROR_CATALOG, "%s: variable %s: %s",
			variable->origin ? variable->origin : template->source.name, name,
			cause.text);
	return template_fail(
		template, template->variables, name, err, "variable %s: %s", name, cause.text);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp((*(struct map_entry *const *)a)->key, (*(struct map_entry *const *)b)->key);
}

/* A text that mentions {{user `x`}} is rendered again and again: what it mentions may come later. */
static bool refers_to_others(const char *text)
{
	while ((text = strstr(text, "{{"))) {
		const char *at = text + 2 + strspn(text + 2, " \t\r\n\f\v");
		if (strncmp(at, "user", 4) == 0) {
			at += 4 + strspn(at + 4, " \t\r\n\f\v");
			if (*at == '`')
				return true;
		}
		text += 2;
	}
	return false;
}

struct solver {
	const struct template *template;
	struct variables *variables;
	struct interpolation context;
	struct map_entry **order;
	bool *done;
	size_t count, left;
	struct error unset; /* the last "variable not set" */
	const char *unset_name;
};

/*
 * One variable, once. *CHANGED if its value is another one now; *UNSET if it mentions one that has none yet. At first no
 * variable is visible at all, not even those given from outside: Packer shows them once one could be rendered.
 */
static int solve_one(
	struct solver *solver, size_t index, bool *changed, bool *unset, struct error *err)
{
	CLEANUP(text_clear) struct text rendered = {0};
	struct variable *variable = solver->order[index]->value;
	const char *name = solver->order[index]->key;

	size_t before = variable->value ? strlen(variable->value) : 0;

	solver->left += before; /* its last value counts no more */
	if (interpolation_render(&solver->context, variable->raw, &rendered, err) < 0) {
		if (!strstr(err->text, INTERPOLATION_NOT_SET))
			return fail_variable(solver->template, name, variable, err);
		*unset = true;
		solver->left -= before;
		solver->unset = *err;
		solver->unset_name = name;
		return 0;
	}
	if (!solver->context.values) {
		solver->context.values = &solver->variables->values;
		*changed = true;
	}
	if (!variable->value || strcmp(variable->value, text_get(&rendered)) != 0) {
		free(variable->value);
		variable->value = memory_copy_text(text_get(&rendered));
		map_set(&solver->variables->values, name, variable->value);
		*changed = true;
	}
	solver->done[index] = !refers_to_others(variable->raw);
	return 0;
}

/*
 * Packer goes round a hundred times as long as one variable refers to another; here it ends when a round changes nothing,
 * which gives the same. What then still mentions an unset one: Packer complains only if no variable at all could be
 * rendered in the last round, and otherwise leaves it unset without a word. That hides mistakes, so kiln always complains.
 */
static int solve(struct solver *solver, struct error *err)
{
	bool unset = false;

	for (int pass = 0; pass < PASSES_MOST; pass++) {
		bool changed = false;
		unset = false;
		for (size_t i = 0; i < solver->count; i++)
			if (!solver->done[i] && solve_one(solver, i, &changed, &unset, err) < 0)
				return -1;
		if (!changed)
			break;
	}
	if (!unset)
		return 0;
	*err = solver->unset;
	return fail_variable(solver->template, solver->unset_name,
		map_find(&solver->variables->by_name, solver->unset_name), err);
}

static int note_uses(const struct template *template, struct variables *variables,
	const struct interpolation *context, struct error *err)
{
	map_each (entry, &variables->by_name) {
		struct variable *variable = entry->value;
		if (interpolation_find_uses(context, variable->raw, &variable->uses,
			    &variable->environment, err) < 0)
			return fail_variable(template, entry->key, variable, err);
	}
	return 0;
}

int variables_solve(const struct template *template, const struct map *overrides,
	const struct interpolation *context, struct variables *variables, struct error *err)
{
	struct solver solver = {.template = template, .variables = variables, .context = *context};

	variables->by_name.free_value = free_variable;
	if (gather(template, overrides, variables, err) < 0)
		return -1;
	solver.left = INTERPOLATION_MOST;
	solver.context.left = &solver.left;
	solver.context.solving = true;
	solver.context.keep_fields = true;
	if (note_uses(template, variables, &solver.context, err) < 0)
		return -1;
	if (overrides)
		map_each (entry, overrides)
			map_set(&variables->values, entry->key,
				((struct variable_override *)entry->value)->value);

	solver.count = variables->by_name.count;
	autofree bool *done = memory_new(solver.count * sizeof(*done));
	autofree struct map_entry **order = memory_new(solver.count * sizeof(struct map_entry *));
	for (size_t i = 0; i < solver.count; i++)
		order[i] = &variables->by_name.entries[i];
	if (solver.count > 1)
		qsort(order, solver.count, sizeof(*order), compare_names);
	solver.done = done;
	solver.order = order;
	return solve(&solver, err);
}

void variables_follow(
	const struct variables *variables, struct strings *names, struct strings *environment)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct variable *variable = map_find(&variables->by_name, names->items[i]);
		if (!variable)
			continue;
		strings_each (use, &variable->uses)
			strings_add_once(names, use);
		strings_each (name, &variable->environment)
			strings_add_once(environment, name);
	}
}

int variables_read_file(
	const char *path, const char *bytes, size_t size, struct map *overrides, struct error *err)
{
	struct json_source source = {path, bytes, size};
	autojson struct json *root = NULL;

	if (json_parse(&source, JSON_REPAIR_UTF8, &root, err) < 0)
		return -1;
	if (json_kind(root) != JSON_OBJECT)
		return fail(err, ERROR_CATALOG, "%s:1:1: a var-file is an object of text, not %s",
			path, json_kind_name(json_kind(root)));
	json_each_member (member, root) {
		if (member.value && json_kind(member.value) != JSON_TEXT) {
			struct json_place place = json_place_key(&source, root, member.key);
			return fail(err, ERROR_CATALOG, "%s:%u:%u: %s is %s; it must be text", path,
				place.line, place.column, member.key,
				json_kind_name(json_kind(member.value)));
		}
		struct variable_override *override = memory_new(sizeof(*override));
		override->value = memory_copy_text(json_text(member.value, ""));
		override->origin = memory_copy_text(path);
		map_set(overrides, member.key, override);
	}
	return 0;
}
