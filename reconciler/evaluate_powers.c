/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/evaluating.h"

#include <stdlib.h>
#include <string.h>

#include "backends/packer/installed.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"

/* ---- powers and drivers ---- */

void image_work_need_power(struct image_work *build, const char *need, const char *what)
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
		image_work_need_power(build, power_name(part->plugin->power), label);
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
		image_work_need_power(build, power_name(option->power), what);
	}
}

static void need_environment(struct image_work *build)
{
	strings_each (name, &build->recipe.used_environment) {
		autofree char *need = memory_printf("env:%s", name);
		autofree char *what = memory_printf("{{env `%s`}}", name);
		image_work_need_power(build, need, what);
	}
}

static void need_powers_of_rules(struct image_work *build)
{
	const struct json *rules = build->work->definition->validate;

	for (size_t i = 0; i < json_count(rules); i++)
		if (strcmp(json_get_text(json_item(rules, i), "type", ""), "shell-local") == 0)
			image_work_need_power(
				build, power_name(POWER_SHELL_LOCAL), "validate: shell-local");
}

static void check_rules(struct image_work *build)
{
	const struct json *rules = build->work->definition->validate;
	const char *type = build->recipe.build_type;

	for (size_t i = 0; i < json_count(rules); i++)
		if (strcmp(json_get_text(json_item(rules, i), "type", ""), "boot") == 0 &&
			strcmp(type ? type : "", "qemu") != 0)
			reasons_add(&build->image->problems, REASON_UNSUPPORTED, DEFINITIONS_PATH,
				NULL, NULL,
				"validate: entry %zu: boot starts machines, and the builder %s "
				"makes none",
				i + 1, type ? type : "");
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

/* ---- the engine ---- */

struct driver_check {
	bool asked; /* the definition says that packer builds it: it may have plugins that nobody here knows */
	struct text native; /* why kiln cannot build it, of the first part that it cannot */
	struct text packer; /* why packer cannot */
};

static void check_packer(const struct driver_check *check, const struct recipe_part *part,
	const char *label, struct text *why)
{
	if (!part->plugin && !check->asked) {
		const char *near = plugin_nearest(part->part->kind, part->part->type);
		text_addf(why,
			"nobody knows %s: neither kiln nor Packer " PACKER_VERSION "%s%s%s (if the "
			"installed packer does: \"engine\": \"packer\" in kiln.json)",
			label, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
	} else if (!part->plugin) {
		return;
	} else if (part->plugin->own) {
		text_addf(why, "Packer has no %s", label);
	}
}

static void check_driver(void *context, struct recipe_part *part)
{
	const struct plugin *plugin = part->plugin;
	struct driver_check *check = context;
	const char *reason = NULL;
	char label[128];

	template_part_label(part->part, label);
	if (!check->packer.size)
		check_packer(check, part, label, &check->packer);
	if (plugin && plugin->native && plugin->unsupported && part->options)
		reason = plugin->unsupported(part->options);
	if (check->native.size || (plugin && plugin->native && !reason))
		return;
	if (reason)
		text_addf(&check->native, "%s: %s", label, reason);
	else if (plugin)
		text_addf(&check->native, "kiln has no driver for %s yet", label);
	else
		check_packer(check, part, label, &check->native);
}

static void refuse_engine(struct image_work *build, const char *why, const char *more)
{
	const char *path = build->work->definition->template_path;

	reasons_add(&build->image->problems, REASON_UNSUPPORTED, path, NULL, NULL, "%s: %s%s%s",
		path, why, *more ? ", and " : "", more);
}

void image_work_refuse_plugins(struct image_work *build)
{
	const char *folder = build->image->directory;

	map_each (entry, &build->inputs->files) {
		autofree char *parent = path_folder(entry->key);
		if (entry->key[0] == '/' ||
			!packer_is_plugin(path_name(entry->key), strcmp(parent, folder) != 0))
			continue;
		reasons_add(&build->image->problems, REASON_NOT_ALLOWED, entry->key, NULL, NULL,
			"%s: packer would run %s as a plugin: give it another name",
			build->work->definition->template_path, entry->key);
	}
}

void image_work_need_engine(struct image_work *build, const char *why)
{
	autofree char *what = memory_printf("an installed packer (%s)", why);

	image_work_need_power(build, power_name(POWER_PACKER_ENGINE), what);
}

/* Our own drivers wherever they can do all that is asked; packer for the rest, if the operator lets it. */
void image_work_choose_engine(struct image_work *build)
{
	enum engine wanted = build->work->definition->engine;
	struct driver_check check = {.asked = wanted == ENGINE_PACKER};

	recipe_each_part(&build->recipe, check_driver, &check);
	const char *native = text_get(&check.native), *packer = text_get(&check.packer);
	build->image->packer = wanted == ENGINE_PACKER || (wanted == ENGINE_AUTO && *native);
	if (!build->image->packer) {
		if (*native)
			refuse_engine(build, native, "");
	} else if (*packer) {
		bool both = wanted == ENGINE_AUTO && strcmp(native, packer) != 0;
		refuse_engine(build, both ? native : packer, both ? packer : "");
	} else {
		image_work_need_engine(build, *native ? native : "engine packer");
		image_work_refuse_plugins(build);
	}
	text_clear(&check.native);
	text_clear(&check.packer);
}

void image_work_check_rules(struct image_work *build)
{
	need_powers_of_rules(build);
	check_rules(build);
	check_catalogs(build);
}

void image_work_check_powers(struct image_work *build)
{
	recipe_each_part(&build->recipe, need_powers_of_part, build);
	need_environment(build);
	image_work_check_rules(build);
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
