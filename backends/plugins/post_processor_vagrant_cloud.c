/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"box_tag", OPTION_TEXT},
	{"version", OPTION_TEXT},
	{"version_description", OPTION_TEXT},
	{"no_release", OPTION_BOOL},
	{"access_token", OPTION_TEXT},
	{"vagrant_cloud_url", OPTION_TEXT},
	{"insecure_skip_tls_verify", OPTION_BOOL},
	{"box_download_url", OPTION_TEXT, .late = true},
	{"no_direct_upload", OPTION_BOOL},
	{0},
};

/* Source: Packer 1.6.6 post-processor/vagrant-cloud/post-processor.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "box_tag version"},
	{RULE_NEEDS, "access_token", .environment = "VAGRANT_CLOUD_TOKEN ATLAS_TOKEN",
		.when = "vagrant_cloud_url=|https://vagrantcloud.com/api/v1"},
	{0},
};

const struct plugin plugin_post_processor_vagrant_cloud = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "vagrant-cloud",
	.elsewhere = "vagrant_cloud_url box_tag version",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
