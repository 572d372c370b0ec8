/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/rules_aws.h"

#include <string.h>

/* ---- credentials: access_config.go ---- */

const struct plugin_rule rules_aws_access[] = {
	{RULE_TOGETHER, "access_key secret_key"},
	{RULE_AT_MOST_ONE, "access_key vault_aws_engine"},
	{0},
};

/* ---- the image: ami_config.go ---- */

const struct plugin_rule rules_aws_image[] = {
	{RULE_NEEDS, "ami_name"},
	{RULE_RANGE, "ami_name", "3 128"},
	{RULE_MATCHES, "ami_name", "^[]A-Za-z0-9()[ ./'@_-]*$",
		.why = "{{clean_resource_name}} makes a name fit"},
	{RULE_NEEDS, "kms_key_id", .when = "ami_users encrypt_boot=true",
		.why = "what Amazon's own key encrypts cannot be shared"},
	{RULE_ANY, "kms_key_id region_kms_key_ids", .when = "snapshot_users encrypt_boot=true",
		.why = "what Amazon's own key encrypts cannot be shared"},
	{RULE_FORBIDS, "kms_key_id", .when = "encrypt_boot!=true",
		.why = "it needs encrypt_boot to be true"},
	{RULE_MATCHES, "kms_key_id", AWS_KMS_KEY, .why = "an id, alias/NAME, or an ARN"},
	{0},
};

static bool list_has(const struct json *list, const char *text)
{
	for (size_t i = 0; i < json_count(list); i++)
		if (strcmp(json_text(json_item(list, i), ""), text) == 0)
			return true;
	return false;
}

static int check_region(
	const struct json *options, const char *region, const char *key, struct error *err)
{
	bool shared = json_count(json_get(options, "ami_users")) ||
	              json_count(json_get(options, "snapshot_users"));

	if (!list_has(json_get(options, "ami_regions"), region))
		return fail(err, ERROR_CATALOG, "region_kms_key_ids: %s is not one of ami_regions",
			region);
	if (!*key && shared)
		return fail(err, ERROR_CATALOG,
			"region_kms_key_ids: %s has no key: what Amazon's own key encrypts cannot "
			"be "
			"shared",
			region);
	if (*key && !json_get_boolean(options, "encrypt_boot", false))
		return fail(err, ERROR_CATALOG,
			"region_kms_key_ids cannot be used here: it needs encrypt_boot to be true");
	return 0;
}

int aws_image_check(struct json *options, struct error *err)
{
	const struct json *regions = json_get(options, "ami_regions");
	const struct json *keys = json_get(options, "region_kms_key_ids");

	json_each_member (member, keys)
		if (check_region(options, member.key, json_text(member.value, ""), err) < 0)
			return -1;
	for (size_t i = 0; json_count(keys) && i < json_count(regions); i++) {
		const char *region = json_text(json_item(regions, i), "");
		if (!json_has(keys, region))
			return fail(err, ERROR_CATALOG,
				"ami_regions: %s has no key in region_kms_key_ids", region);
	}
	return 0;
}

/* ---- the machine it is made on: run_config.go ---- */

const struct plugin_rule rules_aws_run[] = {
	{RULE_CHOICE, "ssh_interface",
		"public_ip|private_ip|public_dns|private_dns|session_manager"},
	{RULE_FORBIDS, "ssh_interface", .when = "ssh_interface=session_manager communicator=winrm",
		.why = "the session manager works with the communicator ssh alone"},
	{RULE_ANY, "iam_instance_profile temporary_iam_instance_profile_policy_document",
		.when = "ssh_interface=session_manager"},
	{RULE_ANY, "source_ami source_ami_filter"},
	{RULE_NEEDS, "source_ami_filter.owners", .when = "!^source_ami",
		.why = "else anybody's image may be taken"},
	{RULE_ONE, "instance_type spot_instance_types"},
	{RULE_IS, "block_duration_minutes", "multiple-of-60"},
	{RULE_FORBIDS, "spot_tags spot_tag", .when = "spot_price=|0",
		.why = "spot_price is not set"},
	{RULE_AT_MOST_ONE, "security_group_id security_group_ids"},
	{RULE_IS, "temporary_security_group_source_cidrs", "network"},
	{RULE_CHOICE, "shutdown_behavior", "stop|terminate"},
	{RULE_FORBIDS, "spot_price", .when = "enable_t2_unlimited"},
	{RULE_NEEDS, "instance_type", .when = "enable_t2_unlimited"},
	{RULE_MATCHES, "instance_type", "^t2[.]", .when = "enable_t2_unlimited"},
	{RULE_CHOICE, "tenancy", "default|dedicated|host"},
	{0},
};

const struct plugin_rule rules_aws_spot[] = {
	{RULE_FORBIDS, "sriov_support", .when = "spot_price spot_price!=0",
		.why = "a spot instance cannot be changed"},
	{RULE_FORBIDS, "ena_support", .when = "spot_price spot_price!=0 ena_support=true",
		.why = "a spot instance cannot be changed"},
	{0},
};

/* ---- block_device.go ---- */

#define DEVICE_RULES(devices)                                                                    \
	{RULE_NEEDS, devices ".device_name"},                                                    \
		{RULE_FORBIDS, devices ".kms_key_id", .when = "encrypted=false"},                \
		{RULE_NEEDS, devices ".iops", .when = "volume_size volume_type=io1|io2"},        \
		{RULE_RANGE, devices ".iops", "100 64000",                                       \
			.when = "volume_size volume_type=io1|io2"},                              \
		{RULE_RATIO, devices ".iops " devices ".volume_size", "50",                      \
			.when = "volume_type=io1"},                                              \
		{RULE_RATIO, devices ".iops " devices ".volume_size", "500",                     \
			.when = "volume_type=io2"},                                              \
		{RULE_NEEDS, devices ".throughput " devices ".iops", .when = "volume_type=gp3"}, \
		{RULE_RANGE, devices ".throughput", "125 1000", .when = "volume_type=gp3"},      \
		{RULE_RANGE, devices ".iops", "3000 16000", .when = "volume_type=gp3"},          \
	{                                                                                        \
		RULE_RANGE, devices ".throughput", "-9999999 0",                                 \
			.when = "volume_type!=gp3", .why = "it is for volumes of type gp3"       \
	}

const struct plugin_rule rules_aws_image_devices[] = {
	DEVICE_RULES("ami_block_device_mappings"), {0}};
const struct plugin_rule rules_aws_launch_devices[] = {
	DEVICE_RULES("launch_block_device_mappings"), {0}};
