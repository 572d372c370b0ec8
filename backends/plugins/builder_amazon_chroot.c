/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"
#include "backends/plugins/rules_aws.h"
#include "backends/plugins/blocks.h"

static const struct plugin_option own[] = {
	{"chroot_mounts", OPTION_ROWS},
	{"command_wrapper", OPTION_TEXT, .late = true},
	{"copy_files", OPTION_TEXTS, PATH_FILE, .check = CHECK_NOTHING},
	{"device_path", OPTION_TEXT},
	{"nvme_device_path", OPTION_TEXT},
	{"from_scratch", OPTION_BOOL},
	{"mount_options", OPTION_TEXTS},
	{"mount_partition", OPTION_TEXT},
	{"mount_path", OPTION_TEXT, .late = true},
	{"post_mount_commands", OPTION_TEXTS, .late = true},
	{"pre_mount_commands", OPTION_TEXTS, .late = true},
	{"root_device_name", OPTION_TEXT},
	{"root_volume_size", OPTION_INTEGER},
	{"root_volume_type", OPTION_TEXT},
	{"root_volume_tags", OPTION_TEXT_MAP, .late = true},
	{"root_volume_tag", OPTION_BLOCKS, .late = true, .block = block_key_value},
	{"root_volume_encrypt_boot", OPTION_TRILEAN},
	{"root_volume_kms_key_id", OPTION_TEXT},
	{"ami_architecture", OPTION_TEXT},
	{0},
};

static int check(struct json *options, struct error *err)
{
	const struct json *mounts = json_get(options, "chroot_mounts");

	for (size_t i = 0; i < json_count(mounts); i++)
		if (json_count(json_item(mounts, i)) != 3)
			return fail(err, ERROR_CATALOG,
				"chroot_mounts item %zu: a mount has three parts: type, source, "
				"target",
				i + 1);
	return aws_image_check(options, err);
}

/* Source: Packer 1.6.6 builder/amazon/chroot/builder.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS,
		"root_volume_size pre_mount_commands ami_virtualization_type root_device_name "
		"ami_block_device_mappings",
		.when = "from_scratch"},
	{RULE_ANY, "source_ami source_ami_filter", .when = "!from_scratch"},
	{RULE_TOGETHER, "ami_block_device_mappings root_device_name", .when = "!from_scratch"},
	{RULE_NEEDS, "root_volume_size",
		.when = "!from_scratch ami_block_device_mappings root_device_name"},
	{RULE_FORBIDS, "root_volume_kms_key_id",
		.when = "!from_scratch root_volume_encrypt_boot=false",
		.why = "root_volume_encrypt_boot must be true for it"},
	{RULE_MATCHES, "root_volume_kms_key_id", AWS_KMS_KEY,
		.when = "!from_scratch root_volume_encrypt_boot=true"},
	{RULE_CHOICE, "ami_architecture", "x86_64|arm64"},
	{0},
};

const struct plugin plugin_builder_amazon_chroot = {
	.kind = PLUGIN_BUILDER,
	.name = "amazon-chroot",
	.elsewhere = "profile region ami_name",
	.groups = (const struct plugin_option *const[]){options_aws_access, options_aws_image, own,
		NULL},
	.rules =
		(const struct plugin_rule *const[]){rules_aws_access, rules_aws_image, rules, NULL},
	.check = check,
};
