/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"cpus", OPTION_INTEGER},
	{"memory", OPTION_INTEGER},
	{"cores", OPTION_INTEGER},
	{"network", OPTION_TEXT},
	{"network_adapter_type", OPTION_TEXT},
	{"network_name", OPTION_TEXT},
	{"sound", OPTION_BOOL},
	{"usb", OPTION_BOOL},
	{"serial", OPTION_TEXT},
	{"parallel", OPTION_TEXT},
	{"disk_size", OPTION_UNSIGNED},
	{"cdrom_adapter_type", OPTION_TEXT},
	{"guest_os_type", OPTION_TEXT},
	{"version", OPTION_TEXT},
	{"vmx_disk_template_path", OPTION_TEXT, PATH_FILE},
	{"vmx_template_path", OPTION_TEXT, PATH_FILE},
	{0},
};

const struct plugin plugin_builder_vmware_iso = {
	.kind = PLUGIN_BUILDER,
	.name = "vmware-iso",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy, options_cd, options_iso, options_boot, options_shutdown,
		options_vmware, own, NULL},
};
