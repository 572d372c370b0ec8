/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What Amazon's builders demand. Source: Packer 1.6.6 builder/amazon/common. */

#include "backends/plugin.h"

extern const struct plugin_rule rules_aws_access[];
extern const struct plugin_rule rules_aws_image[]; /* with aws_image_check */
extern const struct plugin_rule rules_aws_run[];
extern const struct plugin_rule rules_aws_spot[];
extern const struct plugin_rule rules_aws_image_devices[], rules_aws_launch_devices[];
#define AWS_KMS_KEY                                                                          \
	"^([a-f0-9-]+|alias/[a-zA-Z0-9:/_-]+|arn:aws(-us-gov)?:kms:([a-z]{2}-(gov-)?[a-z]+-" \
	"[0-9])?:[0-9]{12}:(key/[a-f0-9-]+|alias/[a-zA-Z0-9:/_-]+))$"

/* Regions and their keys. */
int aws_image_check(struct json *options, struct error *err);
