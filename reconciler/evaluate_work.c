/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/evaluating.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"

enum { VAR_FILE_MOST = 4 * 1024 * 1024 };

void work_free_override(void *pointer)
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

int work_read_var_files(struct work *work)
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

void work_read_variables(struct work *work)
{
	const struct evaluator *evaluator = work->evaluator;

	json_each_member (member, work->definition->variables) {
		const char *secret = json_get_text(member.value, "secret", NULL);
		const char *value = json_text(member.value, "");
		const char *version;
		if (secret) {
			value = evaluator->get_secret ? evaluator->get_secret(evaluator->context,
								secret, &version)
			                              : NULL;
			if (!value)
				reasons_add(&work->problems, REASON_VARIABLE, DEFINITIONS_PATH,
					NULL, NULL,
					"the variable %s wants the secret %s, which the operator "
					"does "
					"not give (secrets in service.json)",
					member.key, secret);
		}
		set_override(
			&work->overrides, member.key, value ? value : "", DEFINITIONS_PATH, secret);
	}
	if (evaluator->overrides) {
		map_each (entry, evaluator->overrides) {
			const struct variable_override *given = entry->value;
			set_override(
				&work->overrides, entry->key, given->value, given->origin, NULL);
		}
	}
}

const char *work_get_environment(void *context, const char *name)
{
	const struct work *work = context;
	autofree char *need = memory_printf("env:%s", name);
	const char *value = NULL;

	if (work->evaluator->get_environment && power_is_granted(work->evaluator->grants, need))
		value = work->evaluator->get_environment(work->evaluator->context, name);
	return value ? value : "";
}

char *work_rooted(const char *folder)
{
	return *folder ? memory_printf("%s/%s", REPOSITORY_ROOT, folder)
	               : memory_copy_text(REPOSITORY_ROOT);
}

int work_solve(struct work *work, size_t index, struct error *err)
{
	autofree char *template_folder = path_folder(work->definition->template_path);
	autofree char *template_root = work_rooted(template_folder);
	autofree char *working_root = work_rooted(work->candidates[index]);
	struct interpolation context = {
		.template_folder = template_root,
		.working_folder = working_root,
		.get_environment = work_get_environment,
		.context = work,
	};

	if (work->solved[index])
		return 0;
	if (variables_solve(
		    work->template, &work->overrides, &context, &work->variables[index], err) < 0)
		return -1;
	work->solved[index] = true;
	return 0;
}

/* Without `directory`: the template's own folder first, then the root. */
void work_find_folders(struct work *work)
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

void work_clear(struct work *work)
{
	template_free(work->template);
	map_clear(&work->overrides);
	reasons_clear(&work->problems);
	for (size_t i = 0; i < work->candidate_count; i++)
		free(work->candidates[i]);
	for (size_t i = 0; i < FOLDERS_MOST; i++)
		variables_clear(&work->variables[i]);
}
