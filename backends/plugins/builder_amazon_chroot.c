/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"chroot_mounts", OPTION_ROWS},
	{"command_wrapper", OPTION_TEXT},
	{"copy_files", OPTION_TEXTS, PATH_FILE},
	{"device_path", OPTION_TEXT},
	{"nvme_device_path", OPTION_TEXT},
	{"from_scratch", OPTION_BOOL},
	{"mount_options", OPTION_TEXTS},
	{"mount_partition", OPTION_TEXT},
	{"mount_path", OPTION_TEXT},
	{"post_mount_commands", OPTION_TEXTS},
	{"pre_mount_commands", OPTION_TEXTS},
	{"root_device_name", OPTION_TEXT},
	{"root_volume_size", OPTION_INTEGER},
	{"root_volume_type", OPTION_TEXT},
	{"root_volume_tags", OPTION_TEXT_MAP},
	{"root_volume_tag", OPTION_BLOCKS},
	{"root_volume_encrypt_boot", OPTION_TRILEAN},
	{"root_volume_kms_key_id", OPTION_TEXT},
	{"ami_architecture", OPTION_TEXT},
	{0},
};

const struct plugin plugin_builder_amazon_chroot = {
	.kind = PLUGIN_BUILDER,
	.name = "amazon-chroot",
	.groups = (const struct plugin_option *const[]){options_aws_access, options_aws_image, own,
		NULL},
};
