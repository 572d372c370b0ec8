/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

#include <string.h>

#include "backends/plugins/rules.h"
#include "backends/plugins/blocks.h"

static const struct plugin_option gallery[] = {
	{"subscription", OPTION_TEXT},
	{"resource_group", OPTION_TEXT},
	{"gallery_name", OPTION_TEXT},
	{"image_name", OPTION_TEXT},
	{"image_version", OPTION_TEXT},
	{0},
};

static const struct plugin_option destination[] = {
	{"subscription", OPTION_TEXT},
	{"resource_group", OPTION_TEXT},
	{"gallery_name", OPTION_TEXT},
	{"image_name", OPTION_TEXT},
	{"image_version", OPTION_TEXT},
	{"replication_regions", OPTION_TEXTS},
	{0},
};

static const struct plugin_option plan[] = {
	{"plan_name", OPTION_TEXT},
	{"plan_product", OPTION_TEXT},
	{"plan_publisher", OPTION_TEXT},
	{"plan_promotion_code", OPTION_TEXT},
	{0},
};

static const struct plugin_option own[] = {
	{"cloud_environment_name", OPTION_TEXT},
	{"client_id", OPTION_TEXT},
	{"client_secret", OPTION_TEXT},
	{"client_cert_path", OPTION_TEXT, PATH_FILE,
		.check_when = "subscription_id client_id !client_secret !client_jwt "
			      "!use_azure_cli_auth"},
	{"client_jwt", OPTION_TEXT},
	{"object_id", OPTION_TEXT},
	{"tenant_id", OPTION_TEXT},
	{"subscription_id", OPTION_TEXT},
	{"use_azure_cli_auth", OPTION_BOOL},
	{"user_assigned_managed_identities", OPTION_TEXTS},
	{"capture_name_prefix", OPTION_TEXT},
	{"capture_container_name", OPTION_TEXT},
	{"shared_image_gallery", OPTION_BLOCK, .block = gallery},
	{"shared_image_gallery_destination", OPTION_BLOCK, .block = destination},
	{"shared_image_gallery_timeout", OPTION_DURATION},
	{"shared_gallery_image_version_end_of_life_date", OPTION_TEXT},
	{"shared_image_gallery_replica_count", OPTION_INTEGER},
	{"shared_gallery_image_version_exclude_from_latest", OPTION_BOOL},
	{"image_publisher", OPTION_TEXT},
	{"image_offer", OPTION_TEXT},
	{"image_sku", OPTION_TEXT},
	{"image_version", OPTION_TEXT},
	{"image_url", OPTION_TEXT, .source_image = true},
	{"custom_managed_image_name", OPTION_TEXT},
	{"custom_managed_image_resource_group_name", OPTION_TEXT},
	{"location", OPTION_TEXT},
	{"vm_size", OPTION_TEXT},
	{"managed_image_resource_group_name", OPTION_TEXT},
	{"managed_image_name", OPTION_TEXT},
	{"managed_image_storage_account_type", OPTION_TEXT},
	{"managed_image_os_disk_snapshot_name", OPTION_TEXT},
	{"managed_image_data_disk_snapshot_prefix", OPTION_TEXT},
	{"managed_image_zone_resilient", OPTION_BOOL},
	{"azure_tags", OPTION_TEXT_MAP},
	{"azure_tag", OPTION_BLOCKS, .block = block_name_value},
	{"resource_group_name", OPTION_TEXT},
	{"storage_account", OPTION_TEXT},
	{"temp_compute_name", OPTION_TEXT},
	{"temp_resource_group_name", OPTION_TEXT},
	{"build_resource_group_name", OPTION_TEXT},
	{"build_key_vault_name", OPTION_TEXT},
	{"build_key_vault_sku", OPTION_TEXT},
	{"private_virtual_network_with_public_ip", OPTION_BOOL},
	{"virtual_network_name", OPTION_TEXT},
	{"virtual_network_subnet_name", OPTION_TEXT},
	{"virtual_network_resource_group_name", OPTION_TEXT},
	{"custom_data_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{"plan_info", OPTION_BLOCK, .block = plan},
	{"polling_duration_timeout", OPTION_DURATION},
	{"os_type", OPTION_TEXT},
	{"os_disk_size_gb", OPTION_INTEGER},
	{"disk_additional_size", OPTION_INTEGERS},
	{"disk_caching_type", OPTION_TEXT},
	{"allowed_inbound_ip_addresses", OPTION_TEXTS},
	{"boot_diag_storage_account", OPTION_TEXT},
	{"custom_resource_build_prefix", OPTION_TEXT},
	{"async_resourcegroup_delete", OPTION_BOOL},
	{0},
};

/* Source: Packer 1.6.6 builder/azure/arm/config.go and builder/azure/common/client/config.go. */

/* A user name has a default here. */
static const struct plugin_rule comm[] = {
	{RULE_CHOICE, "communicator", "ssh|winrm|docker|dockerWindowsContainer|none"},
	{RULE_ANY, "ssh_bastion_password ssh_bastion_private_key_file ssh_private_key_file",
		.when = "communicator=|ssh ssh_bastion_host !ssh_bastion_agent_auth"},
	{RULE_CHOICE, "ssh_file_transfer_method", "scp|sftp", .when = "communicator=|ssh"},
	{RULE_AT_MOST_ONE, "ssh_bastion_host ssh_proxy_host", .when = "communicator=|ssh"},
	{RULE_IS, "ssh_local_tunnels ssh_remote_tunnels", "tunnel", .when = "communicator=|ssh"},
	{0},
};

#define CLOUDS                                                                             \
	"china|chinacloud|azurechinacloud|german|germancloud|azuregermancloud|germany|"    \
	"germanycloud|azuregermanycloud|public|publiccloud|azurepubliccloud|usgovernment|" \
	"usgovernmentcloud|azureusgovernmentcloud"

/* Nothing at all: the identity of the machine; a subscription alone: one signs in by hand. */
static const struct plugin_rule sign_in[] = {
	{RULE_WORD, "cloud_environment_name", CLOUDS},
	{RULE_NEEDS, "subscription_id client_id", .when = "!use_azure_cli_auth client_secret"},
	{RULE_NEEDS, "subscription_id client_id", .when = "!use_azure_cli_auth client_jwt"},
	{RULE_NEEDS, "subscription_id client_id", .when = "!use_azure_cli_auth client_cert_path"},
	{RULE_NEEDS, "subscription_id", .when = "!use_azure_cli_auth client_id"},
	{RULE_NEEDS, "subscription_id", .when = "!use_azure_cli_auth tenant_id"},
	{RULE_ONE, "client_secret client_cert_path client_jwt",
		.when = "!use_azure_cli_auth client_id"},
	{RULE_AT_MOST_ONE, "client_secret client_cert_path client_jwt",
		.when = "!use_azure_cli_auth"},
	{RULE_MATCHES, "client_jwt", "^[^.]+[.][^.]+[.][^.]*$", .when = "!use_azure_cli_auth"},
	{RULE_MATCHES, "user_assigned_managed_identities",
		"^/subscriptions/[^/]+/[rR][eE][sS][oO][uU][rR][cC][eE][gG][rR][oO][uU][pP][sS]/"
		"[^/]+/providers/[mM]icrosoft[.][mM]anaged[iI]dentity/"
		"[uU]ser[aA]ssigned[iI]dentities/[^/]+$"},
	{0},
};

static const struct plugin_rule source[] = {
	{RULE_AT_MOST_ONE, "image_url custom_managed_image_name image_publisher "
			   "shared_image_gallery.gallery_name"},
	{RULE_AT_MOST_ONE, "image_url custom_managed_image_resource_group_name image_offer "
			   "shared_image_gallery.gallery_name"},
	{RULE_AT_MOST_ONE, "image_url custom_managed_image_resource_group_name image_sku "
			   "shared_image_gallery.gallery_name"},
	{RULE_FORBIDS, "custom_managed_image_name", .when = "image_offer"},
	{RULE_FORBIDS, "custom_managed_image_name", .when = "image_sku"},
	{RULE_FORBIDS, "custom_managed_image_resource_group_name", .when = "image_publisher"},
	{RULE_FORBIDS, "image_version", .when = "image_url"},
	{RULE_FORBIDS, "managed_image_resource_group_name", .when = "image_url",
		.why = "a managed image cannot be made from a VHD"},
	{RULE_NEEDS,
		"shared_image_gallery.subscription shared_image_gallery.resource_group "
		"shared_image_gallery.image_name",
		.when = "gallery_name"},
	{RULE_FORBIDS, "capture_container_name capture_name_prefix",
		.when = "shared_image_gallery.gallery_name"},
	{RULE_NEEDS, "image_publisher image_offer image_sku",
		.when = "!image_url !custom_managed_image_name "
			"!shared_image_gallery.gallery_name"},
	{RULE_NEEDS,
		"custom_managed_image_resource_group_name managed_image_resource_group_name "
		"managed_image_name",
		.when = "custom_managed_image_name !image_url !image_publisher "
			"!shared_image_gallery.gallery_name"},
	{0},
};

static const struct plugin_rule target[] = {
	{RULE_ANY, "capture_container_name managed_image_name"},
	{RULE_ANY, "capture_name_prefix managed_image_resource_group_name"},
	{RULE_FORBIDS, "managed_image_resource_group_name managed_image_name",
		.when = "capture_name_prefix", .why = "either a VHD or a managed image is made"},
	{RULE_FORBIDS, "managed_image_resource_group_name managed_image_name",
		.when = "capture_container_name", .why = "either a VHD or a managed image is made"},
	{RULE_NEEDS, "capture_name_prefix", .when = "capture_container_name"},
	{RULE_NEEDS, "storage_account resource_group_name",
		.when = "!managed_image_name !managed_image_resource_group_name"},
	{RULE_FORBIDS, "storage_account resource_group_name", .when = "managed_image_name",
		.why = "either a VHD or a managed image is made"},
	{RULE_FORBIDS, "storage_account resource_group_name",
		.when = "managed_image_resource_group_name",
		.why = "either a VHD or a managed image is made"},
	{RULE_ONE, "location build_resource_group_name"},
	{RULE_AT_MOST_ONE, "temp_resource_group_name build_resource_group_name"},
	{RULE_NEEDS,
		"shared_image_gallery_destination.resource_group "
		"shared_image_gallery_destination.image_name "
		"shared_image_gallery_destination.image_version "
		"shared_image_gallery_destination.replication_regions",
		.when = "gallery_name ^managed_image_name ^managed_image_resource_group_name"},
	{RULE_NEEDS, "virtual_network_name", .when = "virtual_network_resource_group_name"},
	{RULE_NEEDS, "virtual_network_name", .when = "virtual_network_subnet_name"},
	{RULE_AT_MOST_ONE, "virtual_network_name allowed_inbound_ip_addresses"},
	{RULE_IS, "allowed_inbound_ip_addresses", "address"},
	{RULE_TOGETHER, "plan_info.plan_name plan_info.plan_product plan_info.plan_publisher"},
	{RULE_NEEDS, "plan_info.plan_name", .when = "plan_promotion_code"},
	{0},
};

static const struct plugin_rule names[] = {
	{RULE_MATCHES, "capture_container_name", "^[a-z0-9](-?[a-z0-9])*$"},
	{RULE_RANGE, "capture_container_name", "3 63"},
	{RULE_MATCHES, "capture_name_prefix", "^[A-Za-z0-9][A-Za-z0-9_.-]{0,23}$",
		.when = "capture_container_name"},
	{RULE_MATCHES, "capture_name_prefix", "[^.-]$", .when = "capture_container_name"},
	{RULE_MATCHES,
		"temp_resource_group_name build_resource_group_name "
		"managed_image_resource_group_name",
		"^[A-Za-z0-9][A-Za-z0-9_.()-]{0,89}$"},
	{RULE_MATCHES, "managed_image_name", "^[A-Za-z0-9][A-Za-z0-9_.)-]{0,79}$"},
	{RULE_MATCHES, "managed_image_os_disk_snapshot_name", "^[A-Za-z0-9_]{1,79}$"},
	{RULE_MATCHES, "managed_image_data_disk_snapshot_prefix", "^[A-Za-z0-9_]{1,59}$"},
	{RULE_MATCHES, "custom_resource_build_prefix", "^[A-Za-z0-9][A-Za-z0-9_.)-]{0,10}$"},
	{RULE_MATCHES,
		"temp_resource_group_name build_resource_group_name "
		"managed_image_resource_group_name managed_image_name custom_resource_build_prefix",
		"[^.-]$"},
	{RULE_NEEDS, "os_type"},
	{RULE_WORD, "os_type", "Linux|Windows"},
	{RULE_CHOICE, "managed_image_storage_account_type", "Standard_LRS|Premium_LRS"},
	{RULE_CHOICE, "disk_caching_type", "None|ReadOnly|ReadWrite"},
	{RULE_RANGE, "azure_tags", "0 256"},
	{0},
};

/* Three of: digits, small letters, capitals, others. */
static bool is_strong(const char *password)
{
	size_t size = strlen(password);
	int kinds = 0;

	kinds += strpbrk(password, "0123456789") != NULL;
	kinds += strpbrk(password, "abcdefghijklmnopqrstuvwxyz") != NULL;
	kinds += strpbrk(password, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL;
	kinds += strpbrk(password, " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") != NULL;
	return size >= 8 && size <= 123 && kinds >= 3;
}

static int check(struct json *options, struct error *err)
{
	const struct json *tags = json_get(options, "azure_tags");
	const char *password = json_get_text(options, "winrm_password", "");

	if (!*password)
		password = json_get_text(options, "ssh_password", "");
	if (strcmp(json_get_text(options, "communicator", ""), "ssh") != 0 && *password &&
		!is_strong(password))
		return fail(err, ERROR_CATALOG,
			"winrm_password (or ssh_password, which serves in its place) has 8 to 123 "
			"characters of at least three kinds: capitals, small letters, digits, "
			"others");
	if (json_count(tags) + json_count(json_get(options, "azure_tag")) > 15)
		return fail(err, ERROR_CATALOG, "azure_tags are 15 at most");
	json_each_member (tag, tags)
		if (strlen(tag.key) > 512)
			return fail(err, ERROR_CATALOG,
				"azure_tags: a name has 512 bytes at most: %.40s...", tag.key);
	return 0;
}

const struct plugin plugin_builder_azure_arm = {
	.kind = PLUGIN_BUILDER,
	.name = "azure-arm",
	.elsewhere = "subscription_id location temp_resource_group_name build_resource_group_name "
                     "temp_compute_name managed_image_resource_group_name managed_image_name "
                     "resource_group_name storage_account capture_name_prefix",
	.groups = (const struct plugin_option *const[]){options_communicator, own, NULL},
	.rules = (const struct plugin_rule *const[]){comm, sign_in, source, target, names, NULL},
	.check = check,
};
