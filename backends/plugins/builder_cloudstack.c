/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"api_url", OPTION_TEXT},
	{"api_key", OPTION_TEXT},
	{"secret_key", OPTION_TEXT},
	{"async_timeout", OPTION_DURATION},
	{"http_get_only", OPTION_BOOL},
	{"ssl_no_verify", OPTION_BOOL},
	{"cidr_list", OPTION_TEXTS},
	{"create_security_group", OPTION_BOOL},
	{"disk_offering", OPTION_TEXT},
	{"disk_size", OPTION_INTEGER},
	{"eject_iso", OPTION_BOOL},
	{"eject_iso_delay", OPTION_DURATION},
	{"expunge", OPTION_BOOL},
	{"hypervisor", OPTION_TEXT},
	{"instance_name", OPTION_TEXT},
	{"instance_display_name", OPTION_TEXT},
	{"network", OPTION_TEXT},
	{"project", OPTION_TEXT},
	{"public_ip_address", OPTION_TEXT},
	{"public_port", OPTION_INTEGER},
	{"security_groups", OPTION_TEXTS},
	{"service_offering", OPTION_TEXT},
	{"prevent_firewall_changes", OPTION_BOOL},
	{"source_iso", OPTION_TEXT, .source_image = true},
	{"source_template", OPTION_TEXT, .source_image = true},
	{"temporary_keypair_name", OPTION_TEXT},
	{"use_local_ip_address", OPTION_BOOL},
	{"user_data", OPTION_TEXT, .late = true},
	{"user_data_file", OPTION_TEXT, PATH_FILE},
	{"zone", OPTION_TEXT},
	{"template_name", OPTION_TEXT},
	{"template_display_text", OPTION_TEXT},
	{"template_os", OPTION_TEXT},
	{"template_featured", OPTION_BOOL},
	{"template_public", OPTION_BOOL},
	{"template_password_enabled", OPTION_BOOL},
	{"template_requires_hvm", OPTION_BOOL},
	{"template_scalable", OPTION_BOOL},
	{"template_tag", OPTION_TEXT},
	{"tags", OPTION_TEXT_MAP},
	{0},
};

/* Source: Packer 1.6.6 builder/cloudstack/config.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "api_url", .environment = "CLOUDSTACK_API_URL"},
	{RULE_NEEDS, "api_key", .environment = "CLOUDSTACK_API_KEY"},
	{RULE_NEEDS, "secret_key", .environment = "CLOUDSTACK_SECRET_KEY"},
	{RULE_NEEDS, "network service_offering template_os zone"},
	{RULE_NEEDS, "expunge", .when = "create_security_group",
		.why = "else the security group would stay"},
	{RULE_ONE, "source_iso source_template"},
	{RULE_NEEDS, "disk_offering hypervisor", .when = "source_iso"},
	{0},
};

const struct plugin plugin_builder_cloudstack = {
	.kind = PLUGIN_BUILDER,
	.name = "cloudstack",
	.elsewhere = "api_url project zone instance_name template_name",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http, own,
		NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_user_data, rules,
		NULL},
};
