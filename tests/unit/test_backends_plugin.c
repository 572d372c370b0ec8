/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugin.h"

#include <stdlib.h>

#include "backends/plugins/native.h"
#include "base/duration.h"
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
	if (option->fallback && option->required)
		return "a default though it is required";
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
	CHECK(plugin_removed_option("iso_md5") && !plugin_removed_option("iso_checksum"),
		"what Packer once had is known");
	return check_done();
}
