/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"
#include "backends/plugins/rules_aws.h"
#include "backends/plugins/blocks.h"

static const struct plugin_option own[] = {
	{"launch_block_device_mappings", OPTION_BLOCKS, .block = block_aws_device},
	{"account_id", OPTION_TEXT},
	{"bundle_destination", OPTION_TEXT},
	{"bundle_prefix", OPTION_TEXT},
	{"bundle_upload_command", OPTION_TEXT, .late = true},
	{"bundle_vol_command", OPTION_TEXT, .late = true},
	{"s3_bucket", OPTION_TEXT},
	{"x509_cert_path", OPTION_TEXT, PATH_FILE},
	{"x509_key_path", OPTION_TEXT, PATH_FILE},
	{"x509_upload_path", OPTION_TEXT},
	{0},
};

/* Source: Packer 1.6.6 builder/amazon/instance/builder.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "account_id s3_bucket x509_cert_path x509_key_path"},
	{0},
};

const struct plugin plugin_builder_amazon_instance = {
	.kind = PLUGIN_BUILDER,
	.name = "amazon-instance",
	.elsewhere = "profile region vpc_id subnet_id ami_name s3_bucket",
	.groups = (const struct plugin_option *const[]){options_communicator, options_aws_access,
		options_aws_image, options_aws_run, own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_keypair,
		rules_aws_access, rules_aws_image, rules_aws_run, rules_user_data, rules_aws_spot,
		rules_aws_image_devices, rules_aws_launch_devices, rules, NULL},
	.check = aws_image_check,
};
