/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugin.h"

#include <regex.h>
#include <stdlib.h>

#include "backends/plugin_format.h"
#include "backends/plugins/native.h"
#include "base/cleanup.h"
#include "base/duration.h"
#include "base/memory.h"
#include "tests/unit/check.h"

static bool is_number(const char *text, bool negative)
{
	char *end;

	strtoll(text, &end, 10);
	return *text && !*end && (negative || *text != '-');
}

/* The default can be what a template says for that type. */
static bool is_value(const struct plugin_option *option)
{
	int64_t nsec;

	switch (option->type) {
	case OPTION_BOOL:
	case OPTION_TRILEAN:
		return strcmp(option->fallback, "true") == 0 ||
		       strcmp(option->fallback, "false") == 0;
	case OPTION_INTEGER:
		return is_number(option->fallback, true);
	case OPTION_UNSIGNED:
		return is_number(option->fallback, false);
	case OPTION_DURATION:
		return duration_parse_go(option->fallback, &nsec) == 0;
	default:
		return true;
	}
}

static size_t size_of(enum option_type type)
{
	return type == OPTION_BOOL ? sizeof(bool) : type == OPTION_TEXT ? sizeof(char *) : 8;
}

/* The first thing that is wrong with a row, or NULL. */
static const char *fault_of(const struct plugin *plugin, const struct plugin_option *option)
{
	if (option->type >= OPTION_TYPE_COUNT || option->path >= PATH_COUNT ||
		option->power >= POWER_COUNT)
		return "an unknown type, path or power";
	if (plugin_find_option(plugin, option->name) != option)
		return "a second row of that name";
	if (option->fallback && !is_value(option))
		return "a default that is none";
	if (!plugin->size)
		return NULL;
	if (!option->help || !*option->help)
		return "no help";
	if (option->offset != OPTION_NOT_DECODED &&
		option->offset + size_of(option->type) > plugin->size)
		return "a place outside of the driver's struct";
	return NULL;
}

/* No two options of a driver have one place in its struct. */
static const char *find_overlap(const struct plugin *plugin)
{
	plugin_each_option(option, plugin)
	{
		size_t start = option->offset, end = start + size_of(option->type);
		if (!plugin->size || start == OPTION_NOT_DECODED)
			continue;
		for (const struct plugin_option *const *group = plugin->groups; *group; group++)
			for (const struct plugin_option *other = *group; other->name; other++)
				if (other != option && other->offset != OPTION_NOT_DECODED &&
					other->offset < end &&
					start < other->offset + size_of(other->type))
					return option->name;
	}
	return NULL;
}

/* ---- rules ---- */

/* NAME, which may be "block.option" and, with BLOCK, "^option", is an option of the plugin or of that block. */
static bool is_known(
	const struct plugin *plugin, const struct plugin_option *block, const char *name)
{
	CLEANUP(strings_clear) struct strings path = {0};
	const struct plugin_option *row = NULL;

	if (*name == '^')
		return block && plugin_find_option(plugin, name + 1);
	strings_split(&path, name, '.');
	strings_each (part, &path) {
		if (!block && !row) {
			row = plugin_find_option(plugin, part);
		} else {
			const struct plugin_option *rows = row ? row->block : block;
			for (; rows && rows->name && strcmp(rows->name, part) != 0; rows++)
				;
			row = rows && rows->name ? rows : NULL;
		}
		if (!row)
			return false;
	}
	return true;
}

static bool knows_condition(
	const struct plugin *plugin, const struct plugin_option *block, const char *when)
{
	CLEANUP(strings_clear) struct strings words = {0};

	if (!when)
		return true;
	strings_split(&words, when, ' ');
	strings_each (word, &words) {
		autofree char *name = memory_copy_text(word + (*word == '!'));
		name[strcspn(name, "!=>")] = '\0';
		if (strlen(word) >= 128 || !is_known(plugin, block, name))
			return false;
	}
	return true;
}

static bool has_sound_values(const struct plugin_rule *rule)
{
	regex_t pattern;

	if (rule->kind < RULE_CHOICE || rule->kind == RULE_ORDER)
		return !rule->values;
	if (!rule->values)
		return false;
	if (rule->kind == RULE_IS)
		return plugin_format_is_known(rule->values);
	if (rule->kind == RULE_RANGE || rule->kind == RULE_ITEMS)
		return strchr(rule->values, ' ') != NULL;
	if (rule->kind != RULE_MATCHES)
		return true;
	if (regcomp(&pattern, rule->values, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	regfree(&pattern);
	return true;
}

/* The block whose options RULE is about; NULL: the plugin's own. */
static const struct plugin_option *block_of(
	const struct plugin *plugin, const struct plugin_rule *rule)
{
	size_t length = strcspn(rule->options, ". ");
	autofree char *name = memory_copy_bytes(rule->options, length);
	const struct plugin_option *row = plugin_find_option(plugin, name);

	return rule->options[length] == '.' && row ? row->block : NULL;
}

static const char *fault_of_rule(const struct plugin *plugin, const struct plugin_rule *rule)
{
	CLEANUP(strings_clear) struct strings names = {0};

	if (rule->kind >= RULE_COUNT)
		return "an unknown kind";
	strings_split(&names, rule->options, ' ');
	strings_each (name, &names)
		if (!is_known(plugin, NULL, name))
			return "an option that is not in the table";
	if (!knows_condition(plugin, block_of(plugin, rule), rule->when))
		return "a condition on an option that is not in the table";
	if (!has_sound_values(rule))
		return "values that do not fit its kind";
	if ((rule->kind == RULE_ORDER || rule->kind == RULE_RATIO) && names.count != 2)
		return "two options are compared";
	return NULL;
}

static void walk_rules(const struct plugin *plugin)
{
	const char *fault = NULL;

	for (const struct plugin_rule *const *group = plugin->rules; group && *group; group++)
		for (const struct plugin_rule *rule = *group; rule->kind && !fault; rule++) {
			fault = fault_of_rule(plugin, rule);
			if (fault)
				printf("# %s: %s, when %s\n", plugin->name, rule->options,
					rule->when ? rule->when : "always");
		}
	CHECK_TEXT(fault, NULL, "every rule of %s is in order", plugin->name);
	plugin_each_option(option, plugin)
	{
		if (!fault && !knows_condition(plugin, NULL, option->check_when))
			fault = option->name;
	}
	CHECK_TEXT(fault, NULL, "and so is when it looks at files");
}

/* Where it makes what stays is said by options that there are. */
static void walk_elsewhere(const struct plugin *plugin)
{
	CLEANUP(strings_clear) struct strings names = {0};
	const char *unknown = NULL;

	strings_split(&names, plugin->elsewhere, ' ');
	strings_each (name, &names)
		unknown = is_known(plugin, NULL, name) ? unknown : name;
	CHECK_TEXT(unknown, NULL, "%s knows every option that says where it makes things",
		plugin->name);
	CHECK(knows_condition(plugin, NULL, plugin->elsewhere_when), "and when it does");
}

static void walk(const struct plugin *plugin)
{
	const char *kind = plugin_kind_name(plugin->kind), *fault = NULL;

	CHECK(plugin_find(plugin->kind, plugin->name) == plugin, "%s %s is found, once", kind,
		plugin->name);
	CHECK_TEXT(plugin_nearest(plugin->kind, plugin->name), plugin->name,
		"it is nearest to itself");
	CHECK(plugin->power < POWER_COUNT &&
			(!plugin->native || (plugin->version > 0 && plugin->help && *plugin->help)),
		"a driver has a version and help");
	plugin_each_option(option, plugin)
	{
		const char *found = fault ? NULL : fault_of(plugin, option);
		if (found)
			printf("# %s.%s\n", plugin->name, option->name);
		fault = fault ? fault : found;
	}
	CHECK_TEXT(fault, NULL, "every option of %s is in order", plugin->name);
	CHECK_TEXT(find_overlap(plugin), NULL, "each in a place of its own");
	walk_rules(plugin);
	if (plugin->elsewhere)
		walk_elsewhere(plugin);
}

static void prefers_exact_names(void)
{
	static const struct plugin_option rows[] = {
		{"Name", OPTION_TEXT}, {"name", OPTION_TEXT}, {"Other", OPTION_TEXT}, {NULL}};
	static const struct plugin_option *const groups[] = {rows, NULL};
	static const struct plugin plugin = {.groups = groups};

	CHECK(plugin_find_option(&plugin, "name") == &rows[1],
		"the very name comes before another case");
	CHECK(plugin_find_option(&plugin, "other") == &rows[2], "which comes before none");
}

static void decodes(void)
{
	static const char text[] = "{\"base\":\"scratch\",\"format\":\"oci\",\"unknown\":1}";
	const struct plugin *rootfs = plugin_find(PLUGIN_BUILDER, "rootfs");
	struct rootfs_options options;
	autojson struct json *json = NULL;
	struct error err;

	if (!CHECK(rootfs && rootfs->native && rootfs->size == sizeof(options) &&
			    json_parse_bytes(text, sizeof(text) - 1, &json, &err) == 0,
		    "options of a driver"))
		return;
	memset(&options, 0x5A, sizeof(options));
	options_decode(rootfs, json, &options);
	CHECK_TEXT(options.base, "scratch", "a text is there");
	CHECK_TEXT(options.format, "oci", "each in its place");
	CHECK_TEXT(options.base_checksum, "", "what is unset is empty");
}

int main(void)
{
	size_t count = 0, native = 0;

	for (const struct plugin *const *plugin = plugins; *plugin; plugin++) {
		walk(*plugin);
		count++;
		native += (*plugin)->native;
	}
	CHECK(count > 50 && native >= 8, "%zu plugins, %zu of them with a driver", count, native);
	for (enum option_type type = 0; type < OPTION_TYPE_COUNT; type++)
		CHECK(option_type_name(type) && *option_type_name(type), "type %d has words", type);
	prefers_exact_names();
	decodes();
	const struct plugin *shell = plugin_find(PLUGIN_PROVISIONER, "shell");
	CHECK(!plugin_find(PLUGIN_BUILDER, "shell") && !plugin_find(PLUGIN_PROVISIONER, "Shell"),
		"a name is one of its kind, in its letters");
	CHECK_TEXT(plugin_nearest(PLUGIN_PROVISIONER, "shel"), "shell", "a mistyped plugin");
	CHECK(shell && plugin_find_option(shell, "INLINE") == plugin_find_option(shell, "inline") &&
			plugin_find_option(shell, "inline") && !plugin_find_option(shell, "inlin"),
		"an option is found in any case");
	CHECK_TEXT(
		shell ? plugin_nearest_option(shell, "inlin") : NULL, "inline", "a mistyped one");
	const struct plugin *ansible = plugin_find(PLUGIN_PROVISIONER, "ansible");
	CHECK(plugin_removed_option(shell, "iso_md5") &&
			!plugin_removed_option(shell, "iso_checksum") &&
			plugin_removed_option(ansible, "galaxycommand") &&
			!plugin_removed_option(shell, "galaxycommand"),
		"what Packer's plugin once had is known");
	return check_done();
}
