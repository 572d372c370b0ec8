/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"vm_version", OPTION_UNSIGNED},
	{"guest_os_type", OPTION_TEXT},
	{"network_adapters", OPTION_BLOCKS},
	{"usb_controller", OPTION_TEXTS},
	{0},
};

const struct plugin plugin_builder_vsphere_iso = {
	.kind = PLUGIN_BUILDER,
	.name = "vsphere-iso",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy, options_cd, options_iso, options_boot, options_shutdown,
		options_vsphere, own, NULL},
};
