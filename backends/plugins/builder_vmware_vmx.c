/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"linked", OPTION_BOOL},
	{"source_path", OPTION_TEXT, PATH_FILE, .required = true, .source_image = true},
	{0},
};

const struct plugin plugin_builder_vmware_vmx = {
	.kind = PLUGIN_BUILDER,
	.name = "vmware-vmx",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy, options_cd, options_boot, options_shutdown, options_vmware, own,
		NULL},
};
