/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"token", OPTION_TEXT},
	{"endpoint", OPTION_TEXT},
	{"poll_interval", OPTION_DURATION},
	{"server_name", OPTION_TEXT},
	{"location", OPTION_TEXT},
	{"server_type", OPTION_TEXT},
	{"image", OPTION_TEXT, .source_image = true},
	{"image_filter", OPTION_BLOCK},
	{"snapshot_name", OPTION_TEXT},
	{"snapshot_labels", OPTION_TEXT_MAP},
	{"user_data", OPTION_TEXT},
	{"user_data_file", OPTION_TEXT, PATH_FILE},
	{"ssh_keys", OPTION_TEXTS},
	{"rescue", OPTION_TEXT},
	{0},
};

const struct plugin plugin_builder_hcloud = {
	.kind = PLUGIN_BUILDER,
	.name = "hcloud",
	.groups = (const struct plugin_option *const[]){options_communicator, own, NULL},
};
