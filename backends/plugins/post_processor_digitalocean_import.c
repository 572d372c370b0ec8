/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"api_token", OPTION_TEXT},
	{"spaces_key", OPTION_TEXT},
	{"spaces_secret", OPTION_TEXT},
	{"spaces_region", OPTION_TEXT},
	{"space_name", OPTION_TEXT},
	{"space_object_name", OPTION_TEXT, .late = true},
	{"skip_clean", OPTION_BOOL},
	{"image_tags", OPTION_TEXTS},
	{"image_name", OPTION_TEXT},
	{"image_description", OPTION_TEXT},
	{"image_distribution", OPTION_TEXT},
	{"image_regions", OPTION_TEXTS},
	{"timeout", OPTION_DURATION},
	{0},
};

const struct plugin plugin_post_processor_digitalocean_import = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "digitalocean-import",
	.groups = (const struct plugin_option *const[]){own, NULL},
};
