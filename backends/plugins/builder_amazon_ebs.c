/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"
#include "backends/plugins/rules_aws.h"
#include "backends/plugins/blocks.h"

static const struct plugin_option own[] = {
	{"launch_block_device_mappings", OPTION_BLOCKS, .block = block_aws_device},
	{"run_volume_tags", OPTION_TEXT_MAP, .late = true},
	{"run_volume_tag", OPTION_BLOCKS, .late = true, .block = block_name_value},
	{"no_ephemeral", OPTION_BOOL},
	{0},
};

const struct plugin plugin_builder_amazon_ebs = {
	.kind = PLUGIN_BUILDER,
	.name = "amazon-ebs",
	.elsewhere = "profile region vpc_id subnet_id ami_name",
	.groups = (const struct plugin_option *const[]){options_communicator, options_aws_access,
		options_aws_image, options_aws_run, own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_keypair,
		rules_aws_access, rules_aws_image, rules_aws_run, rules_user_data, rules_aws_spot,
		rules_aws_image_devices, rules_aws_launch_devices, NULL},
	.check = aws_image_check,
};
