/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugin.h"

#include <string.h>

#include "base/nearest.h"
#include "base/text.h"

const struct plugin *plugin_find(enum plugin_kind kind, const char *name)
{
	for (const struct plugin *const *p = plugins; *p; p++)
		if ((*p)->kind == kind && strcmp((*p)->name, name) == 0)
			return *p;
	return NULL;
}

enum { NAMES_MOST = 256 };

const char *plugin_nearest(enum plugin_kind kind, const char *name)
{
	const char *names[NAMES_MOST];
	size_t count = 0;

	for (const struct plugin *const *p = plugins; *p && count < NAMES_MOST; p++)
		if ((*p)->kind == kind)
			names[count++] = (*p)->name;
	return nearest_name(name, names, count);
}

const struct plugin_option *plugin_find_option(const struct plugin *plugin, const char *name)
{
	const struct plugin_option *folded = NULL;

	plugin_each_option(option, plugin)
	{
		if (strcmp(option->name, name) == 0)
			return option;
		if (!folded && text_equal_case(option->name, name))
			folded = option;
	}
	return folded;
}

const char *plugin_nearest_option(const struct plugin *plugin, const char *name)
{
	const char *names[NAMES_MOST];
	size_t count = 0;

	plugin_each_option(option, plugin) if (count < NAMES_MOST) names[count++] = option->name;
	return nearest_name(name, names, count);
}

void options_decode(const struct plugin *plugin, const struct json *options, void *driver)
{
	memset(driver, 0, plugin->size);
	plugin_each_option(option, plugin)
	{
		const struct json *value = json_get(options, option->name);
		char *place = (char *)driver + option->offset;
		if (option->offset == OPTION_NOT_DECODED)
			continue;
		switch (option->type) {
		case OPTION_TEXT:
			*(const char **)place = json_text(value, "");
			break;
		case OPTION_BOOL:
			*(bool *)place = json_boolean(value, false);
			break;
		case OPTION_INTEGER:
		case OPTION_UNSIGNED:
		case OPTION_DURATION:
			*(int64_t *)place = json_integer(value, 0);
			break;
		default:
			*(const struct json **)place = value;
		}
	}
}

/* Source: Packer 1.6.6 helper/config/decode.go (DeprecatedOptions) and its fixers. */
static const struct {
	const char *name, *advice;
} removed[] = {
	{"iso_md5", "write iso_checksum as md5:..."},
	{"iso_checksum_type", "write iso_checksum as TYPE:..."},
	{"iso_checksum_url", "write iso_checksum as file:URL"},
	{"ssh_key_path", "it is called ssh_private_key_file"},
	{"ssh_disable_agent", "it is called ssh_disable_agent_forwarding"},
	{"guest_additions_attach", "write guest_additions_mode"},
	{"cpu", "it is called cpus"},
	{"ram_size", "it is called memory"},
	{"vhd_temp_path", "it is called temp_path"},
	{"clone_from_vmxc_path", "it is called clone_from_vmcx_path"},
	{"enhanced_networking", "it is called ena_support"},
	{"shutdown_behaviour", "it is called shutdown_behavior"},
	{"ssh_private_ip", "write ssh_interface"},
	{"temporary_security_group_source_cidr",
		"it is called temporary_security_group_source_cidrs"},
	{"login_email", "it is no longer needed"},
	{"galaxycommand", "it is called galaxy_command"},
	{"parallels_tools_host_path", "write parallels_tools_mode"},
	{"organization_id", "it is called project_id"},
};

const char *plugin_removed_option(const char *name)
{
	for (size_t i = 0; i < sizeof(removed) / sizeof(*removed); i++)
		if (strcmp(removed[i].name, name) == 0)
			return removed[i].advice;
	return NULL;
}
