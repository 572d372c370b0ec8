/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/blocks.h"
#include "backends/plugins/rules_aws.h"

static const struct plugin_option own[] = {
	{"access_key", OPTION_TEXT},
	{"assume_role", OPTION_BLOCK, .block = block_aws_assume_role},
	{"custom_endpoint_ec2", OPTION_TEXT},
	{"shared_credentials_file", OPTION_TEXT, PATH_FILE, .optional_path = true},
	{"decode_authorization_messages", OPTION_BOOL},
	{"insecure_skip_tls_verify", OPTION_BOOL},
	{"max_retries", OPTION_INTEGER},
	{"mfa_code", OPTION_TEXT},
	{"profile", OPTION_TEXT},
	{"region", OPTION_TEXT},
	{"secret_key", OPTION_TEXT},
	{"skip_metadata_api_check", OPTION_BOOL},
	{"skip_credential_validation", OPTION_BOOL},
	{"token", OPTION_TEXT},
	{"vault_aws_engine", OPTION_BLOCK, .block = block_aws_vault},
	{"aws_polling", OPTION_BLOCK, .block = block_aws_polling},
	{"s3_bucket_name", OPTION_TEXT},
	{"s3_key_name", OPTION_TEXT, .late = true},
	{"s3_encryption", OPTION_TEXT},
	{"s3_encryption_key", OPTION_TEXT},
	{"skip_clean", OPTION_BOOL},
	{"tags", OPTION_TEXT_MAP},
	{"ami_name", OPTION_TEXT},
	{"ami_description", OPTION_TEXT},
	{"ami_users", OPTION_TEXTS},
	{"ami_groups", OPTION_TEXTS},
	{"ami_encrypt", OPTION_BOOL},
	{"ami_kms_key", OPTION_TEXT},
	{"license_type", OPTION_TEXT},
	{"role_name", OPTION_TEXT},
	{"format", OPTION_TEXT},
	{0},
};

/* Source: Packer 1.6.6 post-processor/amazon-import/post-processor.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "s3_bucket_name"},
	{RULE_CHOICE, "format", "ova|raw|vmdk|vhd|vhdx"},
	{RULE_CHOICE, "s3_encryption", "AES256|aws:kms"},
	{0},
};

const struct plugin plugin_post_processor_amazon_import = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "amazon-import",
	.elsewhere = "profile region s3_bucket_name s3_key_name ami_name",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_aws_access, rules, NULL},
};
