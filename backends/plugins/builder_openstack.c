/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

#include <string.h>

#include "backends/plugins/rules.h"

static const struct plugin_option filters[] = {
	{"name", OPTION_TEXT},
	{"owner", OPTION_TEXT},
	{"tags", OPTION_TEXTS},
	{"visibility", OPTION_TEXT},
	{"properties", OPTION_TEXT_MAP},
	{0},
};

static const struct plugin_option image_filter[] = {
	{"filters", OPTION_BLOCK, .block = filters},
	{"most_recent", OPTION_BOOL},
	{0},
};

static const struct plugin_option own[] = {
	{"username", OPTION_TEXT},
	{"user_id", OPTION_TEXT},
	{"password", OPTION_TEXT},
	{"identity_endpoint", OPTION_TEXT},
	{"tenant_id", OPTION_TEXT},
	{"tenant_name", OPTION_TEXT},
	{"domain_id", OPTION_TEXT},
	{"domain_name", OPTION_TEXT},
	{"insecure", OPTION_BOOL},
	{"region", OPTION_TEXT},
	{"endpoint_type", OPTION_TEXT},
	{"cacert", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{"cert", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE, .check_when = "cert key"},
	{"key", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE, .check_when = "cert key"},
	{"token", OPTION_TEXT},
	{"application_credential_name", OPTION_TEXT},
	{"application_credential_id", OPTION_TEXT},
	{"application_credential_secret", OPTION_TEXT},
	{"cloud", OPTION_TEXT},
	{"image_name", OPTION_TEXT},
	{"metadata", OPTION_TEXT_MAP},
	{"image_visibility", OPTION_TEXT},
	{"image_members", OPTION_TEXTS},
	{"image_auto_accept_members", OPTION_BOOL},
	{"image_disk_format", OPTION_TEXT},
	{"image_tags", OPTION_TEXTS},
	{"image_min_disk", OPTION_INTEGER},
	{"ssh_interface", OPTION_TEXT},
	{"ssh_ip_version", OPTION_TEXT},
	{"source_image", OPTION_TEXT, .source_image = true},
	{"source_image_name", OPTION_TEXT},
	{"external_source_image_url", OPTION_TEXT},
	{"external_source_image_format", OPTION_TEXT},
	{"source_image_filter", OPTION_BLOCK, .block = image_filter},
	{"flavor", OPTION_TEXT},
	{"availability_zone", OPTION_TEXT},
	{"rackconnect_wait", OPTION_BOOL},
	{"floating_ip_network", OPTION_TEXT},
	{"instance_floating_ip_net", OPTION_TEXT},
	{"floating_ip", OPTION_TEXT},
	{"reuse_ips", OPTION_BOOL},
	{"security_groups", OPTION_TEXTS},
	{"networks", OPTION_TEXTS},
	{"ports", OPTION_TEXTS},
	{"network_discovery_cidrs", OPTION_TEXTS},
	{"user_data", OPTION_TEXT},
	{"user_data_file", OPTION_TEXT, PATH_FILE, .check = CHECK_NOTHING},
	{"instance_name", OPTION_TEXT},
	{"instance_metadata", OPTION_TEXT_MAP},
	{"force_delete", OPTION_BOOL},
	{"config_drive", OPTION_BOOL},
	{"floating_ip_pool", OPTION_TEXT},
	{"use_blockstorage_volume", OPTION_BOOL},
	{"volume_name", OPTION_TEXT},
	{"volume_type", OPTION_TEXT},
	{"volume_size", OPTION_INTEGER},
	{"volume_availability_zone", OPTION_TEXT},
	{"openstack_provider", OPTION_TEXT},
	{"use_floating_ip", OPTION_BOOL},
	{0},
};

static int check(struct json *options, struct error *err)
{
	json_each_member (member, json_get(options, "instance_metadata"))
		if (strlen(member.key) > 255)
			return fail(err, ERROR_CATALOG,
				"instance_metadata: a name has 255 bytes at most: %.40s...",
				member.key);
	return 0;
}

/* Source: Packer 1.6.6 builder/openstack, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_CHOICE, "endpoint_type", "internal|internalURL|admin|adminURL|public|publicURL"},
	{RULE_ANY, "identity_endpoint cloud", .environment = "OS_AUTH_URL OS_CLOUD"},
	{RULE_ANY, "username user_id token application_credential_id application_credential_name",
		.when = "!cloud",
		.environment =
			"OS_USERNAME OS_USER_ID SDK_USERNAME OS_TOKEN OS_AUTH_TOKEN "
			"OS_APPLICATION_CREDENTIAL_ID OS_APPLICATION_CREDENTIAL_NAME OS_CLOUD"},
	{RULE_ANY, "password token application_credential_secret", .when = "!cloud",
		.environment = "OS_PASSWORD SDK_PASSWORD OS_TOKEN OS_AUTH_TOKEN "
			       "OS_APPLICATION_CREDENTIAL_SECRET OS_CLOUD"},
	{RULE_AT_MOST_ONE, "username user_id", .when = "!cloud password !token"},
	{RULE_NEEDS, "image_name flavor"},
	{RULE_WORD, "image_visibility", "public|private|shared|community"},
	{RULE_RANGE, "image_min_disk", "0 999999999"},
	{RULE_ONE, "source_image source_image_name external_source_image_url "
		   "source_image_filter.filters"},
	{RULE_CHOICE, "ssh_ip_version", "4|6"},
	{RULE_RANGE, "instance_metadata", "0 255"},
	{RULE_NEEDS, "use_blockstorage_volume", .when = "image_disk_format"},
	{0},
};

const struct plugin plugin_builder_openstack = {
	.kind = PLUGIN_BUILDER,
	.name = "openstack",
	.elsewhere = "identity_endpoint cloud region tenant_name tenant_id availability_zone "
                     "instance_name volume_name image_name",
	.groups = (const struct plugin_option *const[]){options_communicator, own, NULL},
	.rules =
		(const struct plugin_rule *const[]){rules_communicator, rules_keypair, rules, NULL},
	.check = check,
};
