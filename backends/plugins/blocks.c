/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/blocks.h"

const struct plugin_option block_key_value[] = {
	{"key", OPTION_TEXT},
	{"value", OPTION_TEXT},
	{0},
};

const struct plugin_option block_name_value[] = {
	{"name", OPTION_TEXT},
	{"value", OPTION_TEXT},
	{0},
};

/* ---- Amazon: builder/amazon/common ---- */

const struct plugin_option block_aws_assume_role[] = {
	{"role_arn", OPTION_TEXT},
	{"duration_seconds", OPTION_INTEGER},
	{"external_id", OPTION_TEXT},
	{"policy", OPTION_TEXT},
	{"policy_arns", OPTION_TEXTS},
	{"session_name", OPTION_TEXT},
	{"tags", OPTION_TEXT_MAP},
	{"transitive_tag_keys", OPTION_TEXTS},
	{0},
};

const struct plugin_option block_aws_vault[] = {
	{"name", OPTION_TEXT},
	{"role_arn", OPTION_TEXT},
	{"ttl", OPTION_TEXT},
	{"engine_name", OPTION_TEXT},
	{0},
};

const struct plugin_option block_aws_polling[] = {
	{"max_attempts", OPTION_INTEGER},
	{"delay_seconds", OPTION_INTEGER},
	{0},
};

const struct plugin_option block_aws_image_filter[] = {
	{"filters", OPTION_TEXT_MAP},
	{"filter", OPTION_BLOCKS, .block = block_key_value},
	{"owners", OPTION_TEXTS},
	{"most_recent", OPTION_BOOL},
	{0},
};

const struct plugin_option block_aws_name_filter[] = {
	{"filters", OPTION_TEXT_MAP},
	{"filter", OPTION_BLOCKS, .block = block_name_value},
	{0},
};

const struct plugin_option block_aws_subnet_filter[] = {
	{"filters", OPTION_TEXT_MAP},
	{"filter", OPTION_BLOCKS, .block = block_name_value},
	{"most_free", OPTION_BOOL},
	{"random", OPTION_BOOL},
	{0},
};

static const struct plugin_option statement[] = {
	{"Effect", OPTION_TEXT},
	{"Action", OPTION_TEXTS},
	{"Resource", OPTION_TEXTS},
	{0},
};

const struct plugin_option block_aws_policy[] = {
	{"Version", OPTION_TEXT},
	{"Statement", OPTION_BLOCKS, .block = statement},
	{0},
};

const struct plugin_option block_aws_device[] = {
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
	{0},
};

/* ---- vSphere: builder/vsphere/common ---- */

const struct plugin_option block_vsphere_disk[] = {
	{"disk_size", OPTION_INTEGER},
	{"disk_thin_provisioned", OPTION_BOOL},
	{"disk_eagerly_scrub", OPTION_BOOL},
	{"disk_controller_index", OPTION_INTEGER},
	{0},
};

const struct plugin_option block_vsphere_export[] = {
	{"name", OPTION_TEXT},
	{"force", OPTION_BOOL},
	{"images", OPTION_BOOL},
	{"manifest", OPTION_TEXT},
	{"output_directory", OPTION_TEXT, PATH_OUTPUT},
	{"directory_permission", OPTION_UNSIGNED},
	{"options", OPTION_TEXTS},
	{0},
};

const struct plugin_option block_vsphere_library[] = {
	{"library", OPTION_TEXT},
	{"name", OPTION_TEXT},
	{"description", OPTION_TEXT},
	{"cluster", OPTION_TEXT},
	{"folder", OPTION_TEXT},
	{"host", OPTION_TEXT},
	{"resource_pool", OPTION_TEXT},
	{"datastore", OPTION_TEXT},
	{"destroy", OPTION_BOOL},
	{"ovf", OPTION_BOOL},
	{0},
};
