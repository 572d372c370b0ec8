/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"output_directory", OPTION_TEXT, PATH_OUTPUT},
	{"cpus", OPTION_INTEGER},
	{"memory", OPTION_INTEGER},
	{"sound", OPTION_BOOL},
	{"usb", OPTION_BOOL},
	{"prlctl", OPTION_ROWS, .late = true},
	{"prlctl_post", OPTION_ROWS, .late = true},
	{"prlctl_version_file", OPTION_TEXT},
	{"parallels_tools_flavor", OPTION_TEXT, .required = true},
	{"parallels_tools_guest_path", OPTION_TEXT, .late = true},
	{"parallels_tools_mode", OPTION_TEXT},
	{"disk_size", OPTION_UNSIGNED},
	{"disk_type", OPTION_TEXT},
	{"guest_os_type", OPTION_TEXT},
	{"hard_drive_interface", OPTION_TEXT},
	{"host_interfaces", OPTION_TEXTS},
	{"skip_compaction", OPTION_BOOL},
	{"vm_name", OPTION_TEXT},
	{0},
};

const struct plugin plugin_builder_parallels_iso = {
	.kind = PLUGIN_BUILDER,
	.name = "parallels-iso",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy, options_iso, options_boot, options_shutdown, own, NULL},
};
