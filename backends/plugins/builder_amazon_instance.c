/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"account_id", OPTION_TEXT, .required = true},
	{"bundle_destination", OPTION_TEXT},
	{"bundle_prefix", OPTION_TEXT},
	{"bundle_upload_command", OPTION_TEXT},
	{"bundle_vol_command", OPTION_TEXT},
	{"s3_bucket", OPTION_TEXT, .required = true},
	{"x509_cert_path", OPTION_TEXT, PATH_FILE, .required = true},
	{"x509_key_path", OPTION_TEXT, PATH_FILE, .required = true},
	{"x509_upload_path", OPTION_TEXT},
	{0},
};

const struct plugin plugin_builder_amazon_instance = {
	.kind = PLUGIN_BUILDER,
	.name = "amazon-instance",
	.groups = (const struct plugin_option *const[]){options_communicator, options_aws_access,
		options_aws_image, options_aws_run, own, NULL},
};
