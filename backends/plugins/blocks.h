/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Options of blocks that several plugins share. Source: Packer 1.6.6, the structs of the plugins' configs. */

#include "backends/plugin.h"

extern const struct plugin_option block_key_value[];
extern const struct plugin_option block_name_value[];
extern const struct plugin_option block_aws_assume_role[];
extern const struct plugin_option block_aws_vault[];
extern const struct plugin_option block_aws_polling[];
extern const struct plugin_option block_aws_image_filter[];
extern const struct plugin_option block_aws_name_filter[];
extern const struct plugin_option block_aws_subnet_filter[];
extern const struct plugin_option block_aws_policy[];
extern const struct plugin_option block_aws_device[];
extern const struct plugin_option block_vsphere_disk[];
extern const struct plugin_option block_vsphere_export[];
extern const struct plugin_option block_vsphere_library[];
