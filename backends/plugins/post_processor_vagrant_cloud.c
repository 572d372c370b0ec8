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
	{"box_download_url", OPTION_TEXT},
	{"no_direct_upload", OPTION_BOOL},
	{0},
};

const struct plugin plugin_post_processor_vagrant_cloud = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "vagrant-cloud",
	.groups = (const struct plugin_option *const[]){own, NULL},
};
