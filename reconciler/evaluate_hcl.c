/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A definition whose template is in HCL2, which packer alone evaluates: one image of all of its builds, or of those that
 * `build` selects. Its closure has the template's files as they are, and every file that they name literally.
 */
#include "reconciler/evaluating.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"
#include "reconciler/template/hcl.h"

struct hcl_work {
	struct image_work build;
	char *folder; /* of the template's files */
	struct hcl_scan scan;
	struct strings extra; /* what `inputs` and `var_files` name */
};

int evaluate_is_hcl(struct work *work, bool *is, struct error *err)
{
	const char *path = work->definition->template_path;
	enum entry_kind kind;

	*is = false;
	if (!path)
		return 0;
	if (inputs_look(&work->evaluation->inputs, path, &kind, err) < 0)
		return -1;
	*is = kind == ENTRY_FOLDER || hcl_is_file(path);
	return 0;
}

static void problem(struct hcl_work *hcl, enum reason_kind kind, const char *path,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
static void problem(
	struct hcl_work *hcl, enum reason_kind kind, const char *path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	autofree char *text = memory_vprintf(format, args);
	va_end(args);
	reasons_add(&hcl->build.image->problems, kind, path, NULL, NULL, "%s", text);
}

/* ---- the template's files ---- */

static int scan_file(struct hcl_work *hcl, const char *path)
{
	struct work *work = hcl->build.work;
	autofree char *bytes = NULL;
	struct error err;
	size_t size;
	bool found;

	if (inputs_read(hcl->build.inputs, path, TEMPLATE_SIZE_MOST, &bytes, &size, &found, &err) <
			0 ||
		(found && hcl_scan_file(path, bytes, size, &hcl->scan, &err) < 0))
		problem(hcl, REASON_INVALID, path, "%s", err.text);
	else if (!found)
		problem(hcl, REASON_MISSING, path, "the template %s is not in the repository",
			path);
	(void)work;
	return 0;
}

/* What packer reads of a folder: the files of a template that is one, and values for its variables. */
static int add_files_of_template(struct hcl_work *hcl)
{
	static const char *const patterns[] = {
		"*.pkr.hcl", "*.pkr.json", "*.auto.pkrvars.hcl", "*.auto.pkrvars.json"};
	const struct work *work = hcl->build.work;
	const char *path = work->definition->template_path;
	CLEANUP(strings_clear) struct strings files = {0};
	bool single = hcl_is_file(path), found;

	if (single && inputs_add(hcl->build.inputs, path, PATH_FILE, &files, &found, work->err) < 0)
		return -1;
	for (size_t i = single ? 2 : 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		autofree char *pattern = path_join(hcl->folder, patterns[i]);
		if (inputs_add(hcl->build.inputs, pattern, PATH_PATTERN, &files, &found,
			    work->err) < 0)
			return -1;
	}
	bool any = single;
	strings_each (file, &files) {
		if (!hcl_is_file(file))
			continue;
		any = true;
		if (scan_file(hcl, file) < 0)
			return -1;
	}
	if (!any)
		problem(hcl, REASON_MISSING, path,
			"the template %s is a folder without *.pkr.hcl and *.pkr.json", path);
	return 0;
}

/* ---- what they name ---- */

static char *place_of(const struct hcl_work *hcl, const struct hcl_file *file, const char *working)
{
	if (path_is_within(file->path, REPOSITORY_ROOT))
		return path_beneath("", file->path[strlen(REPOSITORY_ROOT)]
						? file->path + strlen(REPOSITORY_ROOT) + 1
						: "");
	return path_beneath(file->of_template ? hcl->folder : working, file->path);
}

/* Where packer runs: what the definition says, else the template's folder, or the root if only there all is. */
static int choose_folder(struct hcl_work *hcl)
{
	struct work *work = hcl->build.work;
	size_t there[2] = {0}, wanted = 0;
	const char *const folders[2] = {hcl->folder, ""};

	for (size_t i = 0; i < hcl->scan.file_count; i++) {
		const struct hcl_file *file = &hcl->scan.files[i];
		if (file->of_template || file->path[0] == '/')
			continue;
		wanted++;
		for (size_t f = 0; f < 2; f++) {
			autofree char *path = place_of(hcl, file, folders[f]);
			bool found = false;
			if (path && inputs_matches(hcl->build.inputs, path, &found, work->err) < 0)
				return -1;
			there[f] += found;
		}
	}
	bool root = there[0] < wanted && there[1] == wanted;
	hcl->build.image->directory = memory_copy_text(
		work->definition->directory ? work->definition->directory : folders[root ? 1 : 0]);
	return 0;
}

/* What is not there may be named by a branch that is not taken: it is looked for, and packer speaks of it. */
static int add_named_files(struct hcl_work *hcl)
{
	struct work *work = hcl->build.work;

	for (size_t i = 0; i < hcl->scan.file_count; i++) {
		const struct hcl_file *file = &hcl->scan.files[i];
		bool inside = file->path[0] != '/' || path_is_within(file->path, REPOSITORY_ROOT);
		autofree char *path = place_of(hcl, file, hcl->build.image->directory);
		bool found;
		if (!inside) {
			if (inputs_add_outside(hcl->build.inputs, file->path, NULL, work->err) < 0)
				return -1;
		} else if (!path || file->path[0] == '~') {
			problem(hcl, REASON_OUTSIDE, file->path,
				"%s names %s, which leads out of the repository",
				work->definition->template_path, file->path);
		} else if (text_starts_with(file->path, "catalog:")) {
			problem(hcl, REASON_UNSUPPORTED, file->path,
				"%s names %s: images of the catalog can only be named in a "
				"template in JSON",
				work->definition->template_path, file->path);
		} else if (inputs_add(hcl->build.inputs, path, file->kind, NULL, &found,
				   work->err) < 0) {
			return -1;
		}
	}
	return 0;
}

static int add_var_files(struct hcl_work *hcl)
{
	struct work *work = hcl->build.work;

	strings_each (path, &work->definition->var_files) {
		autofree char *clean = path_beneath("", path);
		bool found = false;
		if (!clean)
			problem(hcl, REASON_OUTSIDE, path,
				"var_files: %s leads out of the repository", path);
		else if (inputs_add(hcl->build.inputs, clean, PATH_FILE, &hcl->extra, &found,
				 work->err) < 0)
			return -1;
		else if (!found)
			problem(hcl, REASON_MISSING, clean,
				"var_files: %s is not in the repository", clean);
	}
	return 0;
}

/* ---- powers ---- */

static void need_powers(struct hcl_work *hcl)
{
	const char *path = hcl->build.work->definition->template_path;

	image_work_need_engine(&hcl->build, "a template in HCL2");
	for (size_t i = 0; i < hcl->scan.part_count; i++) {
		const struct hcl_part *part = &hcl->scan.parts[i];
		autofree char *label =
			memory_printf("%s %s", plugin_kind_name(part->kind), part->type);
		if (part->plugin && part->plugin->own)
			problem(hcl, REASON_UNSUPPORTED, path, "%s: Packer has no %s", path, label);
		else if (part->plugin && part->plugin->power != POWER_NONE)
			image_work_need_power(&hcl->build, power_name(part->plugin->power), label);
	}
	strings_each (power, &hcl->scan.powers)
		image_work_need_power(&hcl->build, power, "an option");
	strings_each (name, &hcl->scan.environment) {
		autofree char *need = memory_printf("env:%s", name);
		autofree char *what = memory_printf("env(\"%s\")", name);
		image_work_need_power(&hcl->build, need, what);
	}
	if (hcl->build.work->definition->engine == ENGINE_NATIVE)
		problem(hcl, REASON_UNSUPPORTED, path,
			"%s: kiln itself reads no templates in HCL2 yet", path);
	image_work_check_rules(&hcl->build);
	strings_each (need, &hcl->build.inputs->needs)
		strings_add_once(&hcl->build.image->needs, need);
}

/* ---- the closure ---- */

static void add_variables(struct hcl_work *hcl, struct closure *closure)
{
	struct work *work = hcl->build.work;
	const struct evaluator *evaluator = work->evaluator;

	map_each (entry, &work->overrides) {
		const struct variable_override *override = entry->value;
		autofree char *key = memory_printf("variable.%s", entry->key);
		const char *version = NULL;
		struct digest digest;
		char hex[DIGEST_HEX_SIZE];
		if (!override->secret) {
			closure_add(closure, "option", key, override->value);
			continue;
		}
		autofree char *shown = memory_printf("{secret %s}", override->secret);
		closure_add(closure, "option", key, shown);
		evaluator->get_secret(evaluator->context, override->secret, &version);
		if (!version) {
			digest_hmac(evaluator->key, evaluator->key_size, override->value,
				strlen(override->value), &digest);
			version = digest_hex(&digest, hex);
		}
		closure_add(closure, "secret", override->secret, version);
	}
	strings_each (name, &hcl->scan.environment) {
		autofree char *key = memory_printf("environment.%s", name);
		closure_add(closure, "option", key, work_get_environment(work, name));
	}
}

static void write_closure(struct hcl_work *hcl)
{
	const struct definition *definition = hcl->build.work->definition;
	struct evaluated_image *image = hcl->build.image;
	struct closure closure = {0};
	autofree char *epoch = memory_printf("%lld", (long long)definition->source_date_epoch);

	image_work_add_engine(&closure);
	closure_add(&closure, "option", "template", definition->template_path);
	closure_add(&closure, "option", "directory", image->directory);
	if (definition->build)
		closure_add(&closure, "option", "build_name", definition->build);
	for (size_t i = 0; i < definition->var_files.count; i++) {
		autofree char *key = memory_printf("var_file.%03zu", i);
		closure_add(&closure, "option", key, definition->var_files.items[i]);
	}
	add_variables(hcl, &closure);
	map_each (entry, &hcl->build.inputs->files) {
		const struct input *input = entry->value;
		autofree char *value = memory_printf("%o+%s", input->mode, input->value);
		if (input->in_closure)
			closure_add(&closure, "file", input->path, value);
	}
	map_each (entry, &hcl->build.inputs->absent)
		closure_add(&closure, "absent", entry->key, NULL);
	closure_add(&closure, "epoch", epoch, NULL);
	image->closure = closure_text(&closure, &image->digest);
	image->complete = true;
	closure_clear(&closure);
	image->notes = json_new_object();
	json_set(image->notes, "variables", json_new_object());
	json_set_text(image->notes, "template", definition->template_path);
}

/* ---- the whole ---- */

static int evaluate_image(struct hcl_work *hcl)
{
	struct work *work = hcl->build.work;

	if (add_files_of_template(hcl) < 0 || choose_folder(hcl) < 0 || add_named_files(hcl) < 0 ||
		add_var_files(hcl) < 0 || image_work_add_inputs(&hcl->build, &hcl->extra) < 0)
		return -1;
	need_powers(hcl);
	image_work_refuse_plugins(&hcl->build);
	if (work->definition->step_count)
		problem(hcl, REASON_UNSUPPORTED, DEFINITIONS_PATH,
			"steps: of a template in HCL2 kiln knows no steps");
	write_closure(hcl);
	return 0;
}

int evaluate_hcl(struct work *work, struct inputs *keep)
{
	const struct definition *definition = work->definition;
	struct inputs inputs;
	struct hcl_work hcl = {.build = {.work = work, .inputs = &inputs}};

	work->overrides.free_value = work_free_override;
	reasons_add_all(&work->problems, &definition->problems);
	work_read_variables(work);
	hcl.build.image = work_add_image(work, memory_copy_text(definition->name));
	hcl.build.image->build_name = memory_copy_text(definition->build ? definition->build : "");
	hcl.build.image->packer = true;
	work_digest_rules(work, &hcl.build.image->validate_digest);
	hcl.folder = hcl_is_file(definition->template_path)
	                     ? path_folder(definition->template_path)
	                     : path_beneath("", definition->template_path);
	inputs_init(&inputs, work->evaluator->snapshot, work->evaluator->cache,
		work->evaluator->grants, &hcl.build.image->problems);
	int result = evaluate_image(&hcl);
	reasons_add_all(&hcl.build.image->problems, &work->problems);
	work_finish_inputs(work, &inputs, result == 0 ? keep : NULL);
	free(hcl.folder);
	hcl_scan_clear(&hcl.scan);
	strings_clear(&hcl.extra);
	return result;
}
