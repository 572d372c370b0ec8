/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"template", OPTION_TEXT, .source_image = true},
	{"disk_size", OPTION_INTEGER},
	{"linked_clone", OPTION_BOOL},
	{"network", OPTION_TEXT},
	{"mac_address", OPTION_TEXT},
	{"vapp", OPTION_BLOCK},
	{"customize", OPTION_BLOCK},
	{0},
};

const struct plugin plugin_builder_vsphere_clone = {
	.kind = PLUGIN_BUILDER,
	.name = "vsphere-clone",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy, options_cd, options_boot, options_shutdown, options_vsphere, own,
		NULL},
};
