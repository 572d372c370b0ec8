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

/* Source: Packer 1.6.6 post-processor/digitalocean-import/post-processor.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "api_token", .environment = "DIGITALOCEAN_API_TOKEN"},
	{RULE_NEEDS, "spaces_key", .environment = "DIGITALOCEAN_SPACES_ACCESS_KEY"},
	{RULE_NEEDS, "spaces_secret", .environment = "DIGITALOCEAN_SPACES_SECRET_KEY"},
	{RULE_NEEDS, "spaces_region space_name image_name image_regions"},
	{0},
};

const struct plugin plugin_post_processor_digitalocean_import = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "digitalocean-import",
	.elsewhere = "spaces_region space_name space_object_name image_name image_regions",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
