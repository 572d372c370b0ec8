/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"run_volume_tags", OPTION_TEXT_MAP, .late = true},
	{"run_volume_tag", OPTION_BLOCKS, .late = true},
	{"no_ephemeral", OPTION_BOOL},
	{0},
};

const struct plugin plugin_builder_amazon_ebs = {
	.kind = PLUGIN_BUILDER,
	.name = "amazon-ebs",
	.groups = (const struct plugin_option *const[]){options_communicator, options_aws_access,
		options_aws_image, options_aws_run, own, NULL},
};
