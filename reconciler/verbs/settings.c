/* SPDX-License-Identifier: Apache-2.0 */
/* What a person says of a build beside the repository and the operator: the flags of apply and of verify --cold. */
#include "reconciler/verbs/verbs.h"

#include <string.h>

#include "backends/power.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/repository.h"

static void free_override(void *override)
{
	variable_override_free(override);
}

/* "NAME=VALUE", as Packer's -var. */
static int add_variable(struct build_settings *settings, const char *text, struct error *err)
{
	const char *equals = strchr(text, '=');

	if (!equals)
		return fail(err, ERROR_CATALOG, "-var %s: it must be NAME=VALUE", text);
	struct variable_override *override = memory_new(sizeof(*override));
	autofree char *name = memory_copy_bytes(text, equals - text);
	override->value = memory_copy_text(equals + 1);
	override->origin = memory_copy_text("-var");
	map_set(&settings->overrides, name, override);
	return 0;
}

/* Files first, in their order; single variables win over all of them, as with Packer. */
int verb_read_settings(
	const struct json *arguments, struct build_settings *settings, struct error *err)
{
	const struct json *files = json_get(arguments, "var_files");
	const struct json *variables = json_get(arguments, "var");
	const char *on_error = json_get_text(arguments, "on-error", NULL);

	settings->overrides.free_value = free_override;
	for (size_t i = 0; i < json_count(files); i++) {
		const struct json *file = json_item(files, i);
		const char *text = json_get_text(file, "text", "");
		if (variables_read_file(json_get_text(file, "path", ""), text, strlen(text),
			    &settings->overrides, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < json_count(variables); i++)
		if (add_variable(settings, json_text(json_item(variables, i), ""), err) < 0)
			return -1;
	json_get_texts(arguments, "allow", &settings->allow);
	settings->no_checkpoints = json_get_boolean(arguments, "no-checkpoints", false);
	if (on_error)
		settings->on_error = memory_copy_text(on_error);
	strings_each (power, &settings->allow) {
		enum power kind;
		const char *argument;
		if (!power_parse(power, &kind, &argument))
			return fail(err, ERROR_CATALOG,
				"--allow %s: there is no such power (kiln doctor lists them)",
				power);
	}
	return 0;
}
