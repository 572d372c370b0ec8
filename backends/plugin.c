/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugin.h"

#include <fnmatch.h>
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
	plugin_each_option(option, plugin)
	{
		if (*option->name == *name && strcmp(option->name, name) == 0)
			return option;
	}
	plugin_each_option(option, plugin)
	{
		if (text_equal_case(option->name, name))
			return option;
	}
	return NULL;
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

/* Source: Packer 1.6.6 packer-plugin-sdk/template/config/deprecated_options.go and its fixers. */
static const struct {
	const char *plugins; /* a pattern for their names */
	const char *name, *advice;
} removed[] = {
	{"*", "iso_md5", "write iso_checksum as md5:..."},
	{"*", "iso_checksum_type", "write iso_checksum as TYPE:..."},
	{"*", "iso_checksum_url", "write iso_checksum as file:URL"},
	{"*", "ssh_key_path", "it is called ssh_private_key_file"},
	{"*", "ssh_disable_agent", "it is called ssh_disable_agent_forwarding"},
	{"*", "ssh_host_port_min", "it is called host_port_min"},
	{"*", "ssh_host_port_max", "it is called host_port_max"},
	{"*", "ssh_skip_nat_mapping", "it is called skip_nat_mapping"},
	{"*", "ssh_wait_timeout", "it is called ssh_timeout"},
	{"amazon-*", "shutdown_behaviour", "it is called shutdown_behavior"},
	{"amazon-*", "enhanced_networking", "it is called ena_support"},
	{"amazon-*", "ssh_private_ip", "write ssh_interface"},
	{"amazon-*", "temporary_security_group_source_cidr",
		"it is called temporary_security_group_source_cidrs"},
	{"amazon-*", "spot_price_auto_product", "it is no longer needed"},
	{"azure-*", "exlude_from_latest", "it is called exclude_from_latest"},
	{"hyperv-*", "vhd_temp_path", "it is called temp_path"},
	{"hyperv-*", "clone_from_vmxc_path", "it is called clone_from_vmcx_path"},
	{"hyperv-*", "cpu", "it is called cpus"},
	{"hyperv-*", "ram_size", "it is called memory"},
	{"ansible", "galaxycommand", "it is called galaxy_command"},
	{"scaleway", "access_key", "it is called organization_id"},
	{"vsphere-*", "network", "write network_adapters"},
	{"vsphere-*", "networkCard", "write network_adapters"},
	{"vsphere-*", "network_card", "write network_adapters"},
	{"vsphere-*", "disk_size", "write storage"},
	{"vsphere-*", "disk_thin_provisioned", "write storage"},
	{"vsphere-*", "disk_eagerly_scrub", "write storage"},
	{"virtualbox-*", "guest_additions_attach", "write guest_additions_mode"},
	{"docker*", "login_email", "it is no longer needed"},
	{"parallels-*", "headless", "it means nothing any more"},
	{"parallels-*", "parallels_tools_host_path", "write parallels_tools_mode"},
	{"parallels-*", "guest_os_distribution", "it is called guest_os_type"},
	{"docker-tag", "tag", "it is called tags"},
	{"manifest", "filename", "it is called output"},
};

const char *plugin_removed_option(const struct plugin *plugin, const char *name)
{
	for (size_t i = 0; i < sizeof(removed) / sizeof(*removed); i++)
		if (strcmp(removed[i].name, name) == 0 &&
			fnmatch(removed[i].plugins, plugin->name, 0) == 0)
			return removed[i].advice;
	return NULL;
}
