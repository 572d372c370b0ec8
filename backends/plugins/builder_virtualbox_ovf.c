/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"checksum", OPTION_TEXT, .required = true},
	{"import_flags", OPTION_TEXTS},
	{"import_opts", OPTION_TEXT},
	{"source_path", OPTION_TEXT, PATH_URL, .required = true, .source_image = true},
	{"target_path", OPTION_TEXT},
	{0},
};

const struct plugin plugin_builder_virtualbox_ovf = {
	.kind = PLUGIN_BUILDER,
	.name = "virtualbox-ovf",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy, options_cd, options_boot, options_shutdown, options_virtualbox, own,
		NULL},
};
