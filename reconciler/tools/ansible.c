/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Packer 1.6.6 provisioner/ansible, ansible-core 2.14 config/base.yml. */
#include "reconciler/tools/ansible.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"
#include "reconciler/reference.h"
#include "reconciler/tools/ini.h"

enum setting_kind {
	SETTING_TAKE,        /* a file or a folder that is read */
	SETTING_ROLES,       /* where roles lie */
	SETTING_COLLECTIONS, /* and collections */
	SETTING_VAULTS,      /* label@file, separated by commas */
};

/* What ansible.cfg and the environment may name. `inventory` is not among them: Packer always says -i. */
static const struct setting {
	const char *key, *variable;
	enum setting_kind kind;
} settings[] = {
	{"roles_path", "ANSIBLE_ROLES_PATH", SETTING_ROLES},
	{"collections_paths", "ANSIBLE_COLLECTIONS_PATHS", SETTING_COLLECTIONS},
	{"collections_path", "ANSIBLE_COLLECTIONS_PATH", SETTING_COLLECTIONS},
	{"library", "ANSIBLE_LIBRARY", SETTING_TAKE},
	{"module_utils", "ANSIBLE_MODULE_UTILS", SETTING_TAKE},
	{"action_plugins", "ANSIBLE_ACTION_PLUGINS", SETTING_TAKE},
	{"become_plugins", "ANSIBLE_BECOME_PLUGINS", SETTING_TAKE},
	{"cache_plugins", "ANSIBLE_CACHE_PLUGINS", SETTING_TAKE},
	{"callback_plugins", "ANSIBLE_CALLBACK_PLUGINS", SETTING_TAKE},
	{"connection_plugins", "ANSIBLE_CONNECTION_PLUGINS", SETTING_TAKE},
	{"filter_plugins", "ANSIBLE_FILTER_PLUGINS", SETTING_TAKE},
	{"inventory_plugins", "ANSIBLE_INVENTORY_PLUGINS", SETTING_TAKE},
	{"lookup_plugins", "ANSIBLE_LOOKUP_PLUGINS", SETTING_TAKE},
	{"strategy_plugins", "ANSIBLE_STRATEGY_PLUGINS", SETTING_TAKE},
	{"test_plugins", "ANSIBLE_TEST_PLUGINS", SETTING_TAKE},
	{"vars_plugins", "ANSIBLE_VARS_PLUGINS", SETTING_TAKE},
	{"terminal_plugins", "ANSIBLE_TERMINAL_PLUGINS", SETTING_TAKE},
	{"vault_password_file", "ANSIBLE_VAULT_PASSWORD_FILE", SETTING_TAKE},
	{"vault_identity_list", "ANSIBLE_VAULT_IDENTITY_LIST", SETTING_VAULTS},
	{"become_password_file", "ANSIBLE_BECOME_PASSWORD_FILE", SETTING_TAKE},
	{"connection_password_file", "ANSIBLE_CONNECTION_PASSWORD_FILE", SETTING_TAKE},
	{"private_key_file", "ANSIBLE_PRIVATE_KEY_FILE", SETTING_TAKE},
};

/* ---- settings ---- */

/* VALUE names one path or several; relative ones count from FOLDER. */
static void apply_setting(
	struct ansible *run, const struct setting *setting, const char *folder, const char *value)
{
	CLEANUP(strings_clear) struct strings words = {0};

	strings_split(&words, value, setting->kind == SETTING_VAULTS ? ',' : ':');
	strings_each (word, &words) {
		const char *at = setting->kind == SETTING_VAULTS ? strchr(word, '@') : NULL;
		const char *name = at ? at + 1 : word;
		name += strspn(name, " \t");
		/* "{{CWD}}" */
		bool here = text_starts_with(name, "{{CWD}}");
		name += here ? strlen("{{CWD}}") : 0;
		name += here ? strspn(name, "/") : 0;
		autofree char *path =
			*name || here ? tool_path(here ? run->tool->folder : folder, name) : NULL;
		if (!path)
			continue;
		switch (setting->kind) {
		case SETTING_ROLES:
			strings_add_once(&run->role_paths, path);
			break;
		case SETTING_COLLECTIONS: {
			autofree char *inner = path_join(path, "ansible_collections");
			strings_add_once(&run->collection_paths, path);
			tool_take(run->tool, inner, NULL);
			break;
		}
		default:
			if (*path)
				tool_take(run->tool, path, NULL);
		}
	}
}

struct configuration {
	struct ansible *run;
	const char *folder;
	struct strings *said; /* by the environment, which comes first */
};

static void apply_line(void *context, const char *section, const char *key, const char *value)
{
	const struct configuration *configuration = context;

	(void)section;
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		if (strcmp(settings[i].key, key) == 0 &&
			!strings_has(configuration->said, settings[i].key))
			apply_setting(
				configuration->run, &settings[i], configuration->folder, value);
}

static void read_configuration(struct ansible *run, const char *path, struct strings *said)
{
	autofree char *folder = path_folder(path);
	struct configuration configuration = {run, folder, said};
	size_t size;

	if (!tool_take(run->tool, path, NULL)) {
		tool_miss(run->tool, path);
		return;
	}
	autofree char *text = tool_read(run->tool, path, &size);
	if (text)
		ini_each(text, apply_line, &configuration);
}

/* ansible_env_vars come before ansible.cfg, which lies where ANSIBLE_CONFIG says or in the working folder. */
static void apply_settings(struct ansible *run)
{
	CLEANUP(strings_clear) struct strings variables = {0}, said = {0};
	autofree char *path = path_join(run->tool->folder, "ansible.cfg");

	json_get_texts(run->tool->options, "ansible_env_vars", &variables);
	strings_each (pair, &variables) {
		const char *value = strchr(pair, '=');
		autofree char *name = value ? memory_copy_bytes(pair, value - pair) : NULL;
		if (!name)
			continue;
		value++;
		if (strcmp(name, "ANSIBLE_CONFIG") == 0) {
			free(path);
			path = tool_path(run->tool->folder, value);
		}
		for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
			if (strcmp(settings[i].variable, name) == 0) {
				strings_add(&said, settings[i].key);
				apply_setting(run, &settings[i], run->tool->folder, value);
			}
	}
	if (!path)
		return;
	autofree char *inner = path_join(path, "ansible.cfg");
	read_configuration(run, tool_look(run->tool, path) == ENTRY_FOLDER ? inner : path, &said);
}

/* ---- arguments ---- */

static const struct argument {
	const char *name; /* with its dashes */
	enum { ARGUMENT_FILE, ARGUMENT_VARIABLES, ARGUMENT_INVENTORY, ARGUMENT_VAULT } kind;
} arguments[] = {
	{"-e", ARGUMENT_VARIABLES},
	{"--extra-vars", ARGUMENT_VARIABLES},
	{"-i", ARGUMENT_INVENTORY},
	{"--inventory", ARGUMENT_INVENTORY},
	{"--inventory-file", ARGUMENT_INVENTORY},
	{"--vault-password-file", ARGUMENT_FILE},
	{"--vault-pass-file", ARGUMENT_FILE},
	{"--vault-id", ARGUMENT_VAULT},
	{"-M", ARGUMENT_FILE},
	{"--module-path", ARGUMENT_FILE},
	{"--private-key", ARGUMENT_FILE},
	{"--key-file", ARGUMENT_FILE},
	{"--become-password-file", ARGUMENT_FILE},
	{"--become-pass-file", ARGUMENT_FILE},
	{"--connection-password-file", ARGUMENT_FILE},
	{"--conn-pass-file", ARGUMENT_FILE},
	{"-l", ARGUMENT_VARIABLES},
	{"--limit", ARGUMENT_VARIABLES},
};

/* Its variables lie beside it; its groups are not known. */
static void use_inventory(struct ansible *run, const char *name)
{
	autofree char *path = strchr(name, ',') ? NULL : tool_path(run->tool->folder, name);

	if (!path || !tool_take(run->tool, path, NULL))
		return;
	autofree char *beside = path_folder(path);
	strings_add_once(
		&run->vars_folders, tool_look(run->tool, path) == ENTRY_FOLDER ? path : beside);
	run->any_group = true;
}

static void use_argument(struct ansible *run, const struct argument *argument, const char *value)
{
	const char *at = strchr(value, '@');

	if (argument->kind == ARGUMENT_INVENTORY) {
		use_inventory(run, value);
		return;
	}
	if (argument->kind == ARGUMENT_VARIABLES && *value != '@')
		return;
	if (argument->kind != ARGUMENT_FILE && at)
		value = at + 1;
	autofree char *path = *value ? tool_path(run->tool->folder, value) : NULL;
	if (!path || !*path)
		return;
	if (tool_look(run->tool, path) == ENTRY_NONE)
		tool_miss(run->tool, path);
	else if (argument->kind == ARGUMENT_VARIABLES)
		ansible_walk_vars(run, path);
	else
		tool_take(run->tool, path, NULL);
}

/* "-e VALUE", "-eVALUE", "--extra-vars VALUE", "--extra-vars=VALUE". */
static void use_arguments(struct ansible *run)
{
	CLEANUP(strings_clear) struct strings words = {0};

	json_get_texts(run->tool->options, "extra_arguments", &words);
	for (size_t i = 0; i < words.count; i++)
		for (size_t j = 0; j < sizeof(arguments) / sizeof(*arguments); j++) {
			const struct argument *argument = &arguments[j];
			const char *word = words.items[i];
			size_t size = strlen(argument->name);
			bool is_long = argument->name[1] == '-';
			if (strcmp(word, argument->name) == 0 && i + 1 < words.count)
				use_argument(run, argument, words.items[i + 1]);
			else if (strncmp(word, argument->name, size) == 0 && word[size] &&
				 (!is_long || word[size] == '='))
				use_argument(run, argument, word + size + is_long);
		}
}

/* ---- the inventory ---- */

static void use_inventories(struct ansible *run)
{
	const struct json *options = run->tool->options;
	const char *file = json_get_text(options, "inventory_file", "");
	const char *folder = json_get_text(options, "inventory_directory", "");
	const char *alias = json_get_text(options, "host_alias", "");

	/* Packer's own has these, and lies in inventory_directory */
	strings_add(&run->hosts, *alias ? alias : "default");
	strings_add(&run->hosts, "localhost");
	strings_add(&run->hosts, "127.0.0.1");
	strings_add(&run->groups, "all");
	strings_add(&run->groups, "ungrouped");
	json_get_texts(options, "groups", &run->groups);
	json_get_texts(options, "empty_groups", &run->groups);
	if (*json_get_text(options, "inventory_file_template", ""))
		run->any_group = true;
	if (*file) {
		use_inventory(run, file);
	} else if (*folder) {
		autofree char *path = tool_path(run->tool->folder, folder);
		if (path)
			strings_add_once(&run->vars_folders, path);
	}
}

/* ---- the run ---- */

/* Lookups in variables are done where a task asks: each place that there is may be it. */
static void take_loose(struct ansible *run)
{
	map_each (entry, &run->places) {
		struct ansible_place *place = entry->value;
		const char *inner = place->roles.count ? place->roles.items[0] : place->base;
		autofree char *file = path_join(inner, place->roles.count ? "tasks/main.yml" : "x");
		autojson struct json *known = json_new_object();
		struct ansible_spot spot = {place, file, "tasks", known};
		map_each (loose, &run->loose) {
			const char *name = strchr(loose->key, '\n');
			size_t size = name ? (size_t)(name - loose->key) : strlen(loose->key);
			autofree char *folder = memory_copy_bytes(loose->key, size);
			if (name && !strchr(name, '*') && !strchr(name, '{'))
				ansible_take_quietly(run, &spot, folder, name + 1);
			else if (name && !strchr(name, '{'))
				ansible_take_matches(run, &spot, folder, name + 1, NULL);
			else
				ansible_take(run, &spot, folder, "{{ }}", NULL);
		}
	}
}

static void clear(struct ansible *run)
{
	map_clear(&run->visited);
	map_clear(&run->places);
	map_clear(&run->loose);
	strings_clear(&run->role_paths);
	strings_clear(&run->collection_paths);
	strings_clear(&run->groups);
	strings_clear(&run->hosts);
	strings_clear(&run->vars_folders);
}

void ansible_add_inputs(struct tool *tool)
{
	struct ansible run = {.tool = tool};
	const char *playbook = json_get_text(tool->options, "playbook_file", "");
	autofree char *path = *playbook ? tool_path(tool->folder, playbook) : NULL;

	apply_settings(&run);
	use_arguments(&run);
	use_inventories(&run);
	/* that it is not there is said elsewhere */
	if (path && tool_look(tool, path) == ENTRY_FILE)
		ansible_walk_playbook(&run, path);
	ansible_take_inventory_vars(&run);
	take_loose(&run);
	clear(&run);
}
