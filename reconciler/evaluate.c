/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/path.h"

enum {
	VAR_FILE_MOST = 4 * 1024 * 1024,
	OPEN_MAX_AGE_SEC = 24 * 3600, /* where the definition says nothing */
	PACKER_ENGINE_VERSION = 1,
	VARIABLES_SOLVED = 2, /* one for each folder that paths may count from */
};

/* ---- one definition being evaluated ---- */

struct work {
	const struct evaluator *evaluator;
	const struct definition *definition;
	struct evaluation *evaluation;
	struct template *template;
	struct map overrides;
	struct reasons problems; /* of the definition: every image of it has them */
	char *candidates[VARIABLES_SOLVED]; /* folders that relative paths may count from */
	size_t candidate_count;
	struct variables variables[VARIABLES_SOLVED];
	bool solved[VARIABLES_SOLVED];
	struct error *err;
};

static void free_override(void *pointer)
{
	variable_override_free(pointer);
}

static void set_override(struct map *overrides, const char *name, const char *value,
	const char *origin, const char *secret)
{
	struct variable_override *override = memory_new(sizeof(*override));

	override->value = memory_copy_text(value);
	override->origin = memory_copy_text(origin);
	override->secret = secret ? memory_copy_text(secret) : NULL;
	map_set(overrides, name, override);
}

static int read_var_files(struct work *work)
{
	strings_each (path, &work->definition->var_files) {
		autofree char *clean = path_beneath("", path);
		autofree char *bytes = NULL;
		struct error err;
		size_t size;
		bool found = false;

		if (!clean) {
			reasons_add(&work->problems, REASON_OUTSIDE, path, NULL, NULL,
				"var_files: %s leads out of the repository", path);
			continue;
		}
		if (inputs_read(&work->evaluation->inputs, clean, VAR_FILE_MOST, &bytes, &size,
			    &found, work->err) < 0)
			return -1;
		if (!found)
			reasons_add(&work->problems, REASON_MISSING, clean, NULL, NULL,
				"var_files: %s is not in the repository", clean);
		else if (variables_read_file(clean, bytes, size, &work->overrides, &err) < 0)
			reasons_add(&work->problems, REASON_VARIABLE, clean, NULL, NULL, "%s",
				err.text);
	}
	return 0;
}

static void read_definition_variables(struct work *work)
{
	const struct evaluator *evaluator = work->evaluator;

	json_each_member (member, work->definition->variables) {
		const char *secret = json_get_text(member.value, "secret", NULL);
		const char *value = json_text(member.value, "");
		const char *version;
		if (secret) {
			value = evaluator->get_secret
				? evaluator->get_secret(evaluator->context, secret, &version)
				: NULL;
			if (!value)
				reasons_add(&work->problems, REASON_VARIABLE, DEFINITIONS_PATH, NULL,
					NULL,
					"the variable %s wants the secret %s, which the operator does "
					"not give (secrets in service.json)",
					member.key, secret);
		}
		set_override(&work->overrides, member.key, value ? value : "", DEFINITIONS_PATH,
			secret);
	}
	if (evaluator->overrides) {
		map_each (entry, evaluator->overrides) {
			const struct variable_override *given = entry->value;
			set_override(&work->overrides, entry->key, given->value, given->origin, NULL);
		}
	}
}

static const char *get_environment(void *context, const char *name)
{
	const struct work *work = context;
	autofree char *need = memory_printf("env:%s", name);
	const char *value = NULL;

	if (work->evaluator->get_environment && power_is_granted(work->evaluator->grants, need))
		value = work->evaluator->get_environment(work->evaluator->context, name);
	return value ? value : "";
}

static char *rooted(const char *folder)
{
	return *folder ? memory_printf("%s/%s", REPOSITORY_ROOT, folder)
		       : memory_copy_text(REPOSITORY_ROOT);
}

/* The variables as they are where relative paths count from candidate INDEX ({{pwd}} is that folder). */
static int solve_variables(struct work *work, size_t index, struct error *err)
{
	autofree char *template_folder = path_folder(work->definition->template_path);
	autofree char *template_root = rooted(template_folder);
	autofree char *working_root = rooted(work->candidates[index]);
	struct interpolation context = {
		.template_folder = template_root,
		.working_folder = working_root,
		.get_environment = get_environment,
		.context = work,
	};

	if (work->solved[index])
		return 0;
	if (variables_solve(work->template, &work->overrides, &context, &work->variables[index],
		    err) < 0)
		return -1;
	work->solved[index] = true;
	return 0;
}

/* Without `directory`: the template's own folder first, then the root. */
static void find_candidates(struct work *work)
{
	if (work->definition->directory) {
		work->candidates[work->candidate_count++] =
			memory_copy_text(work->definition->directory);
		return;
	}
	char *folder = path_folder(work->definition->template_path);
	work->candidates[work->candidate_count++] = folder;
	if (*folder)
		work->candidates[work->candidate_count++] = memory_copy_text("");
}

static void work_clear(struct work *work)
{
	template_free(work->template);
	map_clear(&work->overrides);
	reasons_clear(&work->problems);
	for (size_t i = 0; i < work->candidate_count; i++)
		free(work->candidates[i]);
	for (size_t i = 0; i < VARIABLES_SOLVED; i++)
		variables_clear(&work->variables[i]);
}

/* ---- one build of it ---- */

struct build {
	struct work *work;
	struct evaluated_image *image;
	const struct template_part *builder;
	struct recipe recipe;
	struct references references;
	struct strings *files; /* for each provisioner, then builder, cleanup and each post-processor */
	struct redactor masks;
	struct inputs *inputs;
};

static void build_clear(struct build *build)
{
	size_t owners = build->recipe.provisioner_count + build->recipe.post_processor_count + 2;

	for (size_t i = 0; build->files && i < owners; i++)
		strings_clear(&build->files[i]);
	free(build->files);
	references_clear(&build->references);
	recipe_clear(&build->recipe);
	redactor_clear(&build->masks);
}

static size_t owner_of(const struct build *build, const struct recipe_part *part)
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
static int count_there(struct build *build, const char *folder, size_t *there, size_t *wanted)
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

/* The recipe as it is with relative paths from candidate INDEX. */
static int make_recipe(struct build *build, size_t index)
{
	struct work *work = build->work;
	autofree char *template_folder = path_folder(work->definition->template_path);
	autofree char *template_root = rooted(template_folder);
	autofree char *working_root = rooted(work->candidates[index]);
	struct recipe_context context = {work->template, &work->variables[index], template_root,
		working_root, false, 0};
	struct error err;

	references_clear(&build->references);
	recipe_clear(&build->recipe);
	reasons_clear(&build->image->problems);
	if (solve_variables(work, index, &err) < 0) {
		reasons_add(&build->image->problems, REASON_VARIABLE,
			work->definition->template_path, NULL, NULL, "%s", err.text);
		return -1;
	}
	recipe_make(&context, build->builder, &build->recipe, &build->image->problems);
	references_find(&build->recipe, &build->references);
	return 0;
}

/* What is missing, said once for both folders. */
static void report_missing(struct build *build, const char *folder, const size_t there[],
	const size_t wanted[])
{
	struct work *work = build->work;
	autofree char *first = *work->candidates[0] ? memory_copy_text(work->candidates[0])
						    : memory_copy_text("the root");

	if (work->candidate_count == 2 && there[0] && there[1])
		reasons_add(&build->image->problems, REASON_MISSING, work->definition->template_path,
			NULL, NULL,
			"%s: of the files that it names %zu of %zu lie below %s and %zu of %zu below "
			"the root: relative paths count from one folder (set `directory`)",
			work->definition->template_path, there[0], wanted[0], first, there[1],
			wanted[1]);
	for (size_t i = 0; i < build->references.count; i++) {
		const struct reference *reference = &build->references.items[i];
		struct error err;
		bool found[VARIABLES_SOLVED] = {false, false};
		CLEANUP(strings_clear) struct strings tried = {0};
		if (!counts_for_folder(reference))
			continue;
		for (size_t c = 0; c < work->candidate_count; c++) {
			autofree char *path = resolve(reference, work->candidates[c]);
			if (path && inputs_matches(build->inputs, path, &found[c], &err) == 0)
				strings_add_once(&tried, path);
		}
		if (found[0] && (work->candidate_count == 1 || found[1]))
			continue;
		autofree char *label = reference_label(reference);
		autofree char *where = strings_join(&tried, " and ");
		autofree char *path = resolve(reference, folder);
		if (!tried.count)
			continue; /* it leads out, which is said elsewhere */
		reasons_add(&build->image->problems, REASON_MISSING, path ? path : tried.items[0],
			NULL, NULL, "%s: %s names %s: %s %s", work->definition->template_path, label,
			reference->value, found[0] || found[1] ? "there is only one of" : "there is no",
			where);
	}
}

/* Chooses the folder that relative paths count from; *CHOSEN is its candidate. 1 if every file is there. */
static int choose_folder(struct build *build, size_t *chosen)
{
	struct work *work = build->work;
	size_t there[VARIABLES_SOLVED] = {0}, wanted[VARIABLES_SOLVED] = {0};

	for (size_t c = 0; c < work->candidate_count; c++) {
		*chosen = c;
		if (make_recipe(build, c) < 0)
			return 0;
		if (count_there(build, work->candidates[c], &there[c], &wanted[c]) < 0)
			return -1;
		if (there[c] == wanted[c])
			return 1;
	}
	/* nowhere all: the first folder stands, and both lists are shown */
	if (*chosen != 0) {
		*chosen = 0;
		if (make_recipe(build, 0) < 0)
			return 0;
	}
	report_missing(build, work->candidates[0], there, wanted);
	return 1;
}

static void add_outside(struct build *build, const struct reference *reference)
{
	autofree char *label = reference_label(reference);

	reasons_add(&build->image->problems, REASON_OUTSIDE, reference->value, NULL, NULL,
		"%s: %s %s %s, which leads out of the %s", build->work->definition->template_path,
		label, reference->path == PATH_OUTPUT ? "writes" : "names", reference->value,
		reference->path == PATH_OUTPUT ? "build's own folder" : "repository");
}

static void add_base(struct build *build, const struct reference *reference)
{
	const struct evaluator *evaluator = build->work->evaluator;
	struct evaluated_image *image = build->image;
	struct evaluated_base base = {0};
	autofree char *label = reference_label(reference);

	if (!image_reference_parse(reference->value, &base.reference)) {
		reasons_add(&image->problems, REASON_INVALID, build->work->definition->template_path,
			NULL, NULL,
			"%s: %s: catalog:%s is not of the form catalog:NAME, catalog:NAME@CHANNEL or "
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

static int add_file(struct build *build, const struct reference *reference, const char *folder)
{
	struct strings *files = &build->files[owner_of(build, reference->part)];
	autofree char *path = resolve(reference, folder);
	autofree char *label = reference_label(reference);
	bool found;

	if (!path) {
		add_outside(build, reference);
		return 0;
	}
	if (reference->path == PATH_OUTPUT)
		return 0;
	if (inputs_add(build->inputs, path, reference->path, files, &found, build->work->err) < 0)
		return -1;
	/* of relative ones that are missing report_missing has spoken */
	if (!found && !reference->optional && reference->kind == REFERENCE_ROOTED)
		reasons_add(&build->image->problems, REASON_MISSING, path, NULL, NULL,
			"%s: %s names %s, which is not in the repository",
			build->work->definition->template_path, label, path);
	return 0;
}

static int add_reference(struct build *build, const struct reference *reference, const char *folder)
{
	struct strings *files = &build->files[owner_of(build, reference->part)];
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
				"%s: %s names %s: which file that is must be known before the build",
				build->work->definition->template_path, label, reference->value);
		return 0;
	}
	return 0;
}

static int add_extra_inputs(struct build *build, struct strings *added)
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

/* ---- powers and drivers ---- */

static void need_power(struct build *build, const char *need, const char *what)
{
	if (!strings_add_once(&build->image->needs, need) ||
		power_is_granted(build->work->evaluator->grants, need))
		return;
	reasons_add(&build->image->problems, REASON_NOT_ALLOWED,
		build->work->definition->template_path, NULL, NULL,
		"%s: %s needs the power %s, which the operator has not granted",
		build->work->definition->template_path, what, need);
}

static void need_powers_of_part(void *context, struct recipe_part *part)
{
	struct build *build = context;
	char label[128];

	if (!part->plugin)
		return;
	template_part_label(part->part, label);
	if (part->plugin->power != POWER_NONE)
		need_power(build, power_name(part->plugin->power), label);
	plugin_each_option (option, part->plugin) {
		const struct json *value = json_get(part->options, option->name);
		if (option->power == POWER_NONE || !value)
			continue;
		if (option->fallback && strcmp(json_text(value, ""), option->fallback) == 0)
			continue;
		autofree char *what = memory_printf("%s: %s", label, option->name);
		need_power(build, power_name(option->power), what);
	}
}

static void need_environment(struct build *build)
{
	strings_each (name, &build->recipe.used_environment) {
		autofree char *need = memory_printf("env:%s", name);
		autofree char *what = memory_printf("{{env `%s`}}", name);
		need_power(build, need, what);
	}
}

static void need_powers_of_rules(struct build *build)
{
	const struct json *rules = build->work->definition->validate;

	for (size_t i = 0; i < json_count(rules); i++)
		if (strcmp(json_get_text(json_item(rules, i), "type", ""), "shell-local") == 0)
			need_power(build, power_name(POWER_SHELL_LOCAL), "validate: shell-local");
}

/* `publish` names catalogs of the operator's. */
static void check_catalogs(struct build *build)
{
	const struct map *catalogs = build->work->evaluator->catalogs;

	strings_each (name, &build->work->definition->publish) {
		if (strcmp(name, "local") == 0 || (catalogs && map_find(catalogs, name)))
			continue;
		reasons_add(&build->image->problems, REASON_INVALID, DEFINITIONS_PATH, NULL, NULL,
			"publish: the operator has no catalog called %s (catalogs in service.json)",
			name);
	}
}

struct driver_check {
	struct text why; /* the first part that has no driver */
};

static void check_driver(void *context, struct recipe_part *part)
{
	struct driver_check *check = context;
	const char *reason = NULL;
	char label[128];

	if (check->why.size)
		return;
	if (part->plugin && part->plugin->native && part->plugin->unsupported && part->options)
		reason = part->plugin->unsupported(part->options);
	if (part->plugin && part->plugin->native && !reason)
		return;
	template_part_label(part->part, label);
	if (reason)
		text_addf(&check->why, "%s: %s", label, reason);
	else if (part->plugin)
		text_addf(&check->why, "kiln has no driver for %s yet", label);
	else {
		const char *near = plugin_nearest(part->part->kind, part->part->type);
		text_addf(&check->why, "nobody knows %s: neither kiln nor Packer " PACKER_VERSION "%s%s%s",
			label, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
	}
}

/* True if kiln's own drivers build it. */
static bool choose_engine(struct build *build)
{
	const char *path = build->work->definition->template_path;
	struct driver_check check = {0};
	bool native;

	recipe_each_part(&build->recipe, check_driver, &check);
	native = !check.why.size && build->work->definition->engine != ENGINE_PACKER;
	if (build->work->definition->engine == ENGINE_PACKER)
		reasons_add(&build->image->problems, REASON_UNSUPPORTED, path, NULL, NULL,
			"%s: engine packer is not built yet", path);
	else if (check.why.size)
		reasons_add(&build->image->problems, REASON_UNSUPPORTED, path, NULL, NULL, "%s: %s",
			path, text_get(&check.why));
	text_clear(&check.why);
	return native;
}

/* ---- secrets ---- */

/* Sensitive variables show a keyed digest, secrets of the operator their name. */
static void add_masks(struct build *build, const struct variables *variables)
{
	const struct evaluator *evaluator = build->work->evaluator;

	map_each (entry, &variables->by_name) {
		const struct variable *variable = entry->value;
		if (!variable->sensitive || !variable->value)
			continue;
		if (variable->secret) {
			autofree char *shown = memory_printf("{secret %s}", variable->secret);
			redactor_add(&build->masks, variable->value, shown);
		} else {
			struct digest digest;
			char hex[DIGEST_HEX_SIZE];
			digest_hmac(evaluator->key, evaluator->key_size, variable->value,
				strlen(variable->value), &digest);
			autofree char *shown =
				memory_printf("{sensitive %s}", digest_hex(&digest, hex));
			redactor_add(&build->masks, variable->value, shown);
		}
	}
}

static void add_secrets(struct build *build, const struct variables *variables,
	struct closure *closure)
{
	const struct evaluator *evaluator = build->work->evaluator;

	strings_each (name, &build->recipe.used_variables) {
		const struct variable *variable = map_find(&variables->by_name, name);
		const char *version = NULL;
		struct digest digest;
		char hex[DIGEST_HEX_SIZE];
		if (!variable || !variable->secret || !variable->value || !evaluator->get_secret)
			continue;
		evaluator->get_secret(evaluator->context, variable->secret, &version);
		if (!version) {
			digest_hmac(evaluator->key, evaluator->key_size, variable->value,
				strlen(variable->value), &digest);
			version = digest_hex(&digest, hex);
		}
		closure_add(closure, "secret", variable->secret, version);
	}
}

static bool holds_masked(const struct redactor *masks, const struct json *value)
{
	if (redactor_finds(masks, json_text(value, "")))
		return true;
	for (size_t i = 0; json_kind(value) == JSON_LIST && i < json_count(value); i++)
		if (holds_masked(masks, json_item(value, i)))
			return true;
	json_each_member (member, value)
		if (holds_masked(masks, member.value))
			return true;
	return false;
}

/* ---- the closure ---- */

static void add_core_options(struct closure *closure, const char *prefix,
	const struct recipe_part *part)
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

static void add_backend(struct closure *closure, const struct recipe_part *part)
{
	const struct plugin *plugin = part->plugin;

	if (!plugin || !plugin->native)
		return;
	autofree char *name = memory_printf("%s/%s", plugin_kind_name(plugin->kind), plugin->name);
	autofree char *version = memory_printf("%d", plugin->version);
	closure_add(closure, "backend", name, version);
}

static void add_files(struct build *build, struct closure *closure, const struct strings *paths)
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
static void add_ways(struct build *build, struct closure *closure)
{
	map_each (entry, &build->inputs->files) {
		const struct input *input = entry->value;
		if (input->mode != 0120000 && input->mode != 0160000)
			continue;
		autofree char *value = memory_printf("%o+%s", input->mode, input->value);
		closure_add(closure, "file", input->path, value);
	}
}

static bool mentions_build_name(const struct build *build, const struct json *value)
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
static bool uses_build_name(const struct build *build)
{
	const struct recipe *recipe = &build->recipe;
	size_t owners = recipe->provisioner_count + recipe->post_processor_count + 2;

	if (recipe->uses_build_name || mentions_build_name(build, recipe->builder.options) ||
		mentions_build_name(build, recipe->cleanup.options))
		return true;
	for (size_t i = 0; i < recipe->provisioner_count; i++)
		if (mentions_build_name(build, recipe->provisioners[i].options))
			return true;
	for (size_t i = 0; i < recipe->post_processor_count; i++)
		if (mentions_build_name(build, recipe->post_processors[i].options))
			return true;
	for (size_t i = 0; i < owners; i++)
		strings_each (path, &build->files[i]) {
			const struct input *input = map_find(&build->inputs->files, path);
			if (input && input->mentions_build_name)
				return true;
		}
	return false;
}

static bool reaches_network(const struct recipe *recipe)
{
	return strcmp(json_get_text(recipe->builder.options, "network", "none"), "host") == 0;
}

static bool runs_code(const struct recipe_part *part)
{
	return strcmp(part->part->type, "file") != 0;
}

/* What one step gets by itself: the digest does not change when steps before it come or go. */
static void describe_step(struct build *build, size_t index, bool name_used,
	const struct strings *extra, struct evaluated_step *step)
{
	const struct recipe_part *part = &build->recipe.provisioners[index];
	const struct step_policy *policy = definition_find_step(build->work->definition, index);
	struct closure closure = {.masks = &build->masks};

	step->open = policy && policy->open >= 0
		? policy->open
		: reaches_network(&build->recipe) && runs_code(part);
	step->max_age_sec = policy && policy->max_age_sec ? policy->max_age_sec : OPEN_MAX_AGE_SEC;
	step->keep = !holds_masked(&build->masks, part->options) ||
		(policy && policy->checkpoint_secrets);
	add_part(&closure, "step", part);
	add_backend(&closure, part);
	add_files(build, &closure, &build->files[index]);
	if (strcmp(part->part->type, "shell-local") == 0)
		add_files(build, &closure, extra);
	if (name_used)
		closure_add(&closure, "option", "build_name", build->recipe.build_name);
	closure_digest(&closure, &step->digest);
	closure_clear(&closure);
}

static void describe_steps(struct build *build, bool name_used, const struct strings *extra)
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
	add_backend(&root, &build->recipe.builder);
	add_files(build, &root, &build->files[owner_of(build, &build->recipe.builder)]);
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

static void add_all_parts(struct build *build, struct closure *closure)
{
	const struct recipe *recipe = &build->recipe;
	size_t last = SIZE_MAX, sequence = 0, place = 0;

	add_part(closure, "builder", &recipe->builder);
	add_backend(closure, &recipe->builder);
	for (size_t i = 0; i < recipe->provisioner_count; i++) {
		autofree char *prefix = memory_printf("provisioner.%03zu", i);
		add_part(closure, prefix, &recipe->provisioners[i]);
		add_backend(closure, &recipe->provisioners[i]);
	}
	if (recipe->cleanup.part) {
		add_part(closure, "error-cleanup-provisioner", &recipe->cleanup);
		add_backend(closure, &recipe->cleanup);
	}
	for (size_t i = 0; i < recipe->post_processor_count; i++) {
		const struct recipe_part *part = &recipe->post_processors[i];
		/* counted anew: sequences and places of this build, not of the template */
		if (part->part->index != last) {
			sequence += last != SIZE_MAX;
			place = 0;
			last = part->part->index;
		}
		autofree char *prefix = memory_printf("post-processor.%03zu.%03zu", sequence, place++);
		add_part(closure, prefix, part);
		add_backend(closure, part);
	}
}

static void write_closure(struct build *build, const struct variables *variables, bool native,
	const struct strings *extra)
{
	struct work *work = build->work;
	struct evaluated_image *image = build->image;
	struct closure closure = {.masks = &build->masks};
	size_t owners = build->recipe.provisioner_count + build->recipe.post_processor_count + 2;
	bool name_used = uses_build_name(build);
	char text[DIGEST_TEXT_SIZE];

	add_all_parts(build, &closure);
	if (!native) {
		autofree char *version = memory_printf("%d", PACKER_ENGINE_VERSION);
		closure_add(&closure, "backend", "engine/packer", version);
	} else if (strcmp(build->recipe.build_type, "rootfs") == 0) {
		closure_add(&closure, "backend", "id-map", work->evaluator->many_ids ? "65536" : "1");
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
	add_secrets(build, variables, &closure);
	describe_steps(build, name_used, extra);
	for (size_t i = 0; i < image->step_count; i++) {
		autofree char *step = memory_printf("%03zu", i);
		if (image->steps[i].open)
			closure_add(&closure, "open", step, NULL);
	}
	autofree char *epoch =
		memory_printf("%lld", (long long)work->definition->source_date_epoch);
	closure_add(&closure, "epoch", epoch, NULL);
	image->closure = closure_text(&closure, &image->digest);
	closure_clear(&closure);
}

/* What `why` tells a changed variable from a changed template by. Values that are secret are masked. */
static void write_notes(struct build *build, const struct variables *variables)
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
			variable->origin ? variable->origin : build->work->definition->template_path);
		json_set(used, name, about);
		closure_clear(&line);
	}
	json_set(notes, "variables", used);
	json_set_text(notes, "template", build->work->definition->template_path);
	build->image->notes = notes;
}

static void check_steps(struct build *build)
{
	const struct definition *definition = build->work->definition;

	for (size_t i = 0; i < definition->step_count; i++)
		if ((size_t)definition->steps[i].index >= build->recipe.provisioner_count)
			reasons_add(&build->image->problems, REASON_INVALID, DEFINITIONS_PATH, NULL,
				NULL, "steps: there is no step %lld: the build has %zu, counted from 0",
				(long long)definition->steps[i].index,
				build->recipe.provisioner_count);
}

static void digest_validate(const struct definition *definition, struct digest *digest)
{
	CLEANUP(text_clear) struct text text = {0};

	json_write(definition->validate, JSON_LINE, &text);
	digest_of(text_get(&text), text.size, digest);
}

static int evaluate_one(struct build *build)
{
	struct work *work = build->work;
	struct evaluated_image *image = build->image;
	CLEANUP(strings_clear) struct strings extra = {0};
	CLEANUP(reasons_clear) struct reasons looking = {0};
	size_t chosen = 0;

	image->complete = true;
	build->inputs->problems = &looking; /* said again when the files are added */
	digest_validate(work->definition, &image->validate_digest);
	int usable = choose_folder(build, &chosen);
	if (usable <= 0) {
		reasons_add_all(&image->problems, &work->problems);
		return usable;
	}
	image->directory = memory_copy_text(work->candidates[chosen]);
	build->files = memory_new((build->recipe.provisioner_count +
					  build->recipe.post_processor_count + 2) *
		sizeof(*build->files));
	build->inputs->problems = &image->problems;
	for (size_t i = 0; i < build->references.count; i++)
		if (add_reference(build, &build->references.items[i], image->directory) < 0)
			return -1;
	if (add_extra_inputs(build, &extra) < 0)
		return -1;
	const struct variables *variables = &work->variables[chosen];
	add_masks(build, variables);
	recipe_each_part(&build->recipe, need_powers_of_part, build);
	need_environment(build);
	need_powers_of_rules(build);
	check_catalogs(build);
	strings_each (need, &build->inputs->needs)
		strings_add_once(&image->needs, need);
	bool native = choose_engine(build);
	check_steps(build);
	write_closure(build, variables, native, &extra);
	write_notes(build, variables);
	reasons_add_all(&image->problems, &work->problems);
	return 0;
}

/* ---- all builds ---- */

static struct evaluated_image *add_image(struct evaluation *evaluation, char *name)
{
	MEMORY_GROW(evaluation->images, evaluation->count, evaluation->room);
	struct evaluated_image *image = &evaluation->images[evaluation->count++];
	*image = (struct evaluated_image){.name = name};
	return image;
}

/* Dependencies of one build join those of the definition; its files are its own. */
static void merge_inputs(struct inputs *into, struct inputs *from)
{
	map_each (entry, &from->dependencies) {
		const struct dependency *dependency = entry->value;
		inputs_depend(into, dependency->path, dependency->prefix);
	}
}

/* KEEP (may be NULL) gets the inputs of the build in place of their being dropped. */
static int evaluate_builder(struct work *work, const struct template_part *builder, bool several,
	struct inputs *keep)
{
	autofree char *folder = path_folder(work->definition->template_path);
	autofree char *root = rooted(folder);
	struct error ignored;
	struct recipe_context context = {
		work->template, &work->variables[0], root, root, false, 0};
	autofree char *build_name = solve_variables(work, 0, &ignored) == 0
		? recipe_build_name(&context, builder)
		: memory_copy_text(builder->name);
	struct inputs inputs;
	struct build build = {.work = work, .builder = builder, .inputs = &inputs};

	build.image = add_image(work->evaluation,
		several ? definition_name_with_build(work->definition->name, build_name)
			: memory_copy_text(work->definition->name));
	build.image->build_name = TAKE(build_name);
	inputs_init(&inputs, work->evaluator->snapshot, work->evaluator->cache,
		work->evaluator->grants, &build.image->problems);
	int result = evaluate_one(&build);
	merge_inputs(&work->evaluation->inputs, &inputs);
	build_clear(&build);
	if (keep && result == 0)
		*keep = inputs;
	else
		inputs_clear(&inputs);
	return result;
}

static void add_broken(struct work *work, enum reason_kind kind, const char *text)
{
	struct evaluated_image *image =
		add_image(work->evaluation, memory_copy_text(work->definition->name));

	reasons_add_all(&image->problems, &work->problems);
	if (text)
		reasons_add(&image->problems, kind, work->definition->template_path, NULL, NULL, "%s",
			text);
	digest_validate(work->definition, &image->validate_digest);
}

/* Template, var-files and variables; 0 if the template cannot be used, which is then said. */
static int prepare(struct work *work)
{
	const struct definition *definition = work->definition;
	autofree char *bytes = NULL;
	struct error err;
	size_t size;
	bool found;

	work->overrides.free_value = free_override;
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
	if (template_parse(definition->template_path, bytes, size, &work->template, &err) < 0) {
		add_broken(work, REASON_INVALID, err.text);
		return 0;
	}
	if (read_var_files(work) < 0)
		return -1;
	read_definition_variables(work);
	find_candidates(work);
	return 1;
}

/* The builder that the definition's `build` names, by its rendered name or as it is written. */
static const struct template_part *find_build(struct work *work)
{
	const struct template_parts *builders = &work->template->builders;
	struct error ignored;
	bool solved = solve_variables(work, 0, &ignored) == 0;

	for (size_t i = 0; i < builders->count; i++) {
		struct recipe_context context = {work->template, &work->variables[0], "", "", false, 0};
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

static void evaluation_init(const struct evaluator *evaluator, struct evaluation *evaluation,
	struct reasons *problems)
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
	int usable = prepare(&work);
	int result = usable > 0 ? evaluate_builds(&work) : usable;
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
		struct recipe_context context = {work->template, &work->variables[0], "", "", false, 0};
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
	autofree char *template_root = rooted(folder);
	autofree char *working_root = rooted(image->directory);
	struct interpolation context = {.template_folder = template_root,
		.working_folder = working_root,
		.live = true,
		.now_usec = now_usec,
		.get_environment = get_environment,
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

int evaluate_build(const struct evaluator *evaluator, const struct definition *definition,
	const char *image, int64_t now_usec, struct build_inputs *build, struct error *err)
{
	struct work work = {.evaluator = evaluator,
		.definition = definition,
		.evaluation = &build->evaluation,
		.err = err};
	struct inputs inputs;
	const struct template_part *builder = NULL;

	*build = (struct build_inputs){0};
	evaluation_init(evaluator, &build->evaluation, &work.problems);
	int result = prepare(&work);
	if (result == 0)
		result = fail(err, ERROR_CATALOG, "%s",
			build->evaluation.images[0].problems.items[0].text);
	if (result > 0) {
		struct error ignored;
		solve_variables(&work, 0, &ignored);
		builder = find_builder_of(&work, image);
		result = builder ? 0 : fail(err, ERROR_CATALOG, "no build gives %s any more", image);
	}
	if (result == 0)
		result = evaluate_builder(&work, builder, work.template->builders.count > 1 &&
				!definition->build, &inputs);
	if (result == 0) {
		inputs_clear(&build->evaluation.inputs);
		build->evaluation.inputs = inputs;
		build->evaluation.inputs.problems = NULL;
		if (build->evaluation.images[0].problems.count)
			result = fail(err, ERROR_CATALOG, "%s",
				build->evaluation.images[0].problems.items[0].text);
	}
	if (result == 0)
		result = render_live(&work, builder, now_usec, build, err);
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
