/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"

#include <string.h>

#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"
#include "backends/plugins/rules_aws.h"
#include "backends/plugins/blocks.h"

static const struct plugin_option root_device[] = {
	{"source_device_name", OPTION_TEXT},
	{"device_name", OPTION_TEXT},
	{"delete_on_termination", OPTION_BOOL},
	{"iops", OPTION_INTEGER},
	{"volume_type", OPTION_TEXT},
	{"volume_size", OPTION_INTEGER},
	{0},
};

static const struct plugin_option launch_device[] = {
	{"delete_on_termination", OPTION_BOOL},
	{"device_name", OPTION_TEXT},
	{"encrypted", OPTION_TRILEAN},
	{"iops", OPTION_INTEGER},
	{"no_device", OPTION_BOOL},
	{"snapshot_id", OPTION_TEXT},
	{"throughput", OPTION_INTEGER},
	{"virtual_name", OPTION_TEXT},
	{"volume_type", OPTION_TEXT},
	{"volume_size", OPTION_INTEGER},
	{"kms_key_id", OPTION_TEXT},
	{"omit_from_artifact", OPTION_BOOL},
	{0},
};

static const struct plugin_option own[] = {
	{"launch_block_device_mappings", OPTION_BLOCKS, .block = launch_device},
	{"ami_root_device", OPTION_BLOCK, .block = root_device},
	{"run_volume_tags", OPTION_TEXT_MAP, .late = true},
	{"run_volume_tag", OPTION_BLOCKS, .late = true, .block = block_name_value},
	{"ami_architecture", OPTION_TEXT},
	{0},
};

/* The root device is one of those that the machine is launched with, and it goes into the image. */
static int check(struct json *options, struct error *err)
{
	const struct json *root = json_get(options, "ami_root_device");
	const struct json *devices = json_get(options, "launch_block_device_mappings");
	const char *wanted = json_get_text(root, "source_device_name", "");
	bool found = false;

	if (aws_image_check(options, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(devices); i++) {
		const struct json *device = json_item(devices, i);
		if (strcmp(json_get_text(device, "device_name", ""), wanted) != 0)
			continue;
		found = true;
		if (json_get_boolean(device, "omit_from_artifact", false))
			return fail(err, ERROR_CATALOG,
				"launch_block_device_mappings item %zu: the root volume cannot be "
				"omitted from the artifact",
				i + 1);
	}
	if (root && !found)
		return fail(err, ERROR_CATALOG,
			"ami_root_device: source_device_name: no volume of "
			"launch_block_device_mappings is called \"%s\"",
			wanted);
	return 0;
}

/* Source: Packer 1.6.6 builder/amazon/ebssurrogate/builder.go and root_block_device.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "ami_root_device ami_virtualization_type"},
	{RULE_NEEDS, "ami_root_device.source_device_name ami_root_device.device_name"},
	{RULE_FORBIDS, "ami_root_device.iops", .when = "volume_type=gp2"},
	{RULE_RANGE, "ami_root_device.iops ami_root_device.volume_size", "0 9999999"},
	{RULE_CHOICE, "ami_architecture", "x86_64|arm64"},
	{0},
};

const struct plugin plugin_builder_amazon_ebssurrogate = {
	.kind = PLUGIN_BUILDER,
	.name = "amazon-ebssurrogate",
	.elsewhere = "profile region vpc_id subnet_id ami_name",
	.groups = (const struct plugin_option *const[]){options_communicator, options_aws_access,
		options_aws_image, options_aws_run, own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_keypair,
		rules_aws_access, rules_aws_image, rules_aws_run, rules_user_data,
		rules_aws_image_devices, rules_aws_launch_devices, rules, NULL},
	.check = check,
};
