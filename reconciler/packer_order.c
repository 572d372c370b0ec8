/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/packer_order.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/packer/installed.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"
#include "reconciler/reference.h"

/* ---- the template ---- */

/* What packer is to use where the template says catalog:...: the id of what is elsewhere, or a file's path. NULL: unknown. */
static char *base_value(const struct json *order, const char *text)
{
	const struct json *bases = json_get(order, "bases");

	for (size_t i = 0; i < json_count(bases); i++) {
		const struct json *base = json_item(bases, i);
		const char *id = json_get_text(base, "id", NULL);
		const char *file = json_get_text(base, "file", NULL);
		if (strcmp(json_get_text(base, "text", ""), text) != 0)
			continue;
		if (id)
			return memory_copy_text(id);
		return memory_printf(
			PACKER_BASES_FOLDER "/%zu%s%s", i, file ? "/" : "", file ? file : "");
	}
	return NULL;
}

/* VALUE of an option, in which TEXT stands as WANTED. */
static struct json *replace_text(const struct json *value, const char *text, const char *wanted)
{
	if (json_kind(value) == JSON_LIST) {
		struct json *list = json_new_list();
		for (size_t i = 0; i < json_count(value); i++)
			json_add(list, replace_text(json_item(value, i), text, wanted));
		return list;
	}
	if (json_kind(value) == JSON_TEXT && strcmp(json_text(value, ""), text) == 0)
		return json_new_text(wanted);
	return json_copy(value);
}

/* As the template has it: upper and lower case are equal there. */
static const char *written_key(const struct json *object, const char *name)
{
	json_each_member (member, object)
		if (text_equal_case(member.key, name))
			return member.key;
	return name;
}

static int replace_bases(
	const struct json *order, struct recipe *recipe, size_t *count, struct error *err)
{
	CLEANUP(references_clear) struct references references = {0};

	*count = 0;
	references_find(recipe, &references);
	for (size_t i = 0; i < references.count; i++) {
		const struct reference *reference = &references.items[i];
		struct json *object = reference->part->part->object;
		if (reference->kind != REFERENCE_CATALOG || !object)
			continue;
		autofree char *text = memory_printf("catalog:%s", reference->value);
		autofree char *wanted = base_value(order, text);
		if (!wanted)
			return fail(err, ERROR_BROKEN, "the order does not say where %s is", text);
		const char *name = reference->option->name;
		struct json *options = reference->part->options;
		json_set(options, name, replace_text(json_get(options, name), text, wanted));
		autofree char *key = memory_copy_text(written_key(object, name));
		json_set(object, key, json_copy(json_get(options, name)));
		(*count)++;
	}
	return 0;
}

static int write_template(const struct definition *definition, struct build_inputs *inputs,
	const char *bytes, size_t size, bool changed, int tree, struct error *err)
{
	const char *path = definition->template_path;
	autofree char *parent = path_folder(path);
	const struct input *input = map_find(&inputs->evaluation.inputs.files, path);

	if (input && !changed)
		return 0; /* it is there, being an input itself */
	if (input)
		return fail(err, ERROR_CATALOG,
			"%s is itself a file that the build gets, and packer cannot have it with "
			"its catalog: references resolved: let no option name the template's own "
			"folder",
			path);
	autoclose int folder = folder_make_inside(tree, parent, 0755, err);
	if (folder < 0)
		return -1;
	return file_write_new(folder, path_name(path), 0644, bytes, size, err);
}

static int lay_out_template(const struct json *order, const struct definition *definition,
	struct build_inputs *inputs, int tree, struct error *err)
{
	const struct template *template = inputs->template;
	CLEANUP(text_clear) struct text changed = {0};
	size_t count;

	if (!template) /* in HCL2: its files are inputs like others */
		return 0;
	if (replace_bases(order, &inputs->recipe, &count, err) < 0)
		return -1;
	if (!count)
		return write_template(definition, inputs, template->source.text,
			template->source.size, false, tree, err);
	json_write(template->root, JSON_PRETTY, &changed);
	return write_template(
		definition, inputs, text_get(&changed), changed.size, true, tree, err);
}

/* ---- what it is given ---- */

static struct json *list_variables(const struct build_inputs *inputs)
{
	struct json *variables = json_new_object();

	map_each (entry, &inputs->overrides) {
		const struct variable_override *override = entry->value;
		json_set_text(variables, entry->key, override->value);
	}
	return variables;
}

/* Those in JSON are read already. */
static struct json *list_var_files(
	const struct definition *definition, const struct build_inputs *inputs)
{
	struct json *list = json_new_list();

	strings_each (path, &definition->var_files)
		if (!inputs->template)
			json_add_text(list, path);
	return list;
}

/* By its name: credentials are given that way. */
static bool is_secret_name(const char *name)
{
	static const char *const words[] = {"KEY", "SECRET", "TOKEN", "PASS", "CREDENTIAL", "AUTH"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasestr(name, words[i]))
			return true;
	return false;
}

/* Every variable of kiln's own environment that the operator lets the repository read. */
static struct json *list_environment(const struct repository *repository, struct json *secrets)
{
	const struct evaluator *evaluator = &repository->evaluator;
	struct json *environment = json_new_object();

	strings_each (grant, &repository->grants) {
		const char *name, *value;
		enum power power;
		if (!power_parse(grant, &power, &name) || power != POWER_ENV || !name)
			continue;
		value = evaluator->get_environment(evaluator->context, name);
		if (!value)
			continue;
		json_set_text(environment, name, value);
		if (is_secret_name(name) && *value)
			json_add_text(secrets, value);
	}
	return environment;
}

/* Something of the build is a program for this machine. */
static bool runs_here(const struct build_inputs *inputs)
{
	const struct strings *needs = &inputs->evaluation.images[0].needs;

	return strings_has(needs, power_name(POWER_SHELL_LOCAL)) ||
	       strings_has(needs, power_name(POWER_HOST_ANSIBLE));
}

int packer_order_add(struct json *order, const struct repository *repository,
	const struct definition *definition, struct build_inputs *inputs, int tree,
	struct error *err)
{
	const struct service_packer *packer = &repository->head->service.packer;
	autofree char *program = service_packer_program(packer);
	struct json *about = json_new_object(), *share = json_new_list();

	strings_each (path, &packer->share)
		json_add_text(share, path);
	json_set_text(about, "program", program);
	if (packer->plugins)
		json_set_text(about, "plugins", packer->plugins);
	json_set(about, "share", share);
	json_set_text(about, "template", definition->template_path);
	json_set(about, "variables", list_variables(inputs));
	json_set(about, "var_files", list_var_files(definition, inputs));
	json_set(about, "environment", list_environment(repository, json_get(order, "secrets")));
	json_set_bool(about, "execution", runs_here(inputs));
	json_set(order, "packer", about);
	return lay_out_template(order, definition, inputs, tree, err);
}
