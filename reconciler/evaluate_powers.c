/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/evaluating.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"

/* ---- powers and drivers ---- */

static void need_power(struct image_work *build, const char *need, const char *what)
{
	if (!strings_add_once(&build->image->needs, need) ||
		power_is_granted(build->work->evaluator->grants, need))
		return;
	reasons_add(&build->image->problems, REASON_NOT_ALLOWED,
		build->work->definition->template_path, NULL, NULL,
		"%s: %s needs the power %s, which the operator has not granted",
		build->work->definition->template_path, what, need);
}

/* As good as not given. */
static bool is_unset(const struct json *value)
{
	return !value || (json_kind(value) == JSON_BOOL && !json_boolean(value, false)) ||
	       (json_kind(value) == JSON_TEXT && !json_text_size(value));
}

static void need_powers_of_part(void *context, struct recipe_part *part)
{
	struct image_work *build = context;
	char label[128];

	if (!part->plugin)
		return;
	template_part_label(part->part, label);
	if (part->plugin->power != POWER_NONE)
		need_power(build, power_name(part->plugin->power), label);
	plugin_each_option(option, part->plugin)
	{
		const struct json *value = json_get(part->options, option->name);
		if (option->power == POWER_NONE || is_unset(value))
			continue;
		if (option->fallback && strcmp(json_text(value, ""), option->fallback) == 0)
			continue;
		if (option->harmless && option->harmless(value))
			continue;
		autofree char *what = memory_printf("%s: %s", label, option->name);
		need_power(build, power_name(option->power), what);
	}
}

static void need_environment(struct image_work *build)
{
	strings_each (name, &build->recipe.used_environment) {
		autofree char *need = memory_printf("env:%s", name);
		autofree char *what = memory_printf("{{env `%s`}}", name);
		need_power(build, need, what);
	}
}

static void need_powers_of_rules(struct image_work *build)
{
	const struct json *rules = build->work->definition->validate;

	for (size_t i = 0; i < json_count(rules); i++)
		if (strcmp(json_get_text(json_item(rules, i), "type", ""), "shell-local") == 0)
			need_power(build, power_name(POWER_SHELL_LOCAL), "validate: shell-local");
}

/* `publish` names catalogs of the operator's. */
static void check_catalogs(struct image_work *build)
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
		text_addf(&check->why,
			"nobody knows %s: neither kiln nor Packer " PACKER_VERSION "%s%s%s", label,
			near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
	}
}

/* True if kiln's own drivers build it. */
bool image_work_choose_engine(struct image_work *build)
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

void image_work_check_powers(struct image_work *build)
{
	recipe_each_part(&build->recipe, need_powers_of_part, build);
	need_environment(build);
	need_powers_of_rules(build);
	check_catalogs(build);
	strings_each (need, &build->inputs->needs)
		strings_add_once(&build->image->needs, need);
}

/* ---- secrets ---- */

/* Sensitive variables show a keyed digest, secrets of the operator their name. */
void image_work_add_masks(struct image_work *build, const struct variables *variables)
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

void image_work_add_secrets(
	struct image_work *build, const struct variables *variables, struct closure *closure)
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

bool image_work_holds_masked(const struct redactor *masks, const struct json *value)
{
	if (redactor_finds(masks, json_text(value, "")))
		return true;
	for (size_t i = 0; json_kind(value) == JSON_LIST && i < json_count(value); i++)
		if (image_work_holds_masked(masks, json_item(value, i)))
			return true;
	json_each_member (member, value)
		if (image_work_holds_masked(masks, member.value))
			return true;
	return false;
}
