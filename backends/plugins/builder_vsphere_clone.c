/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"

static const struct plugin_option vapp[] = {
	{"properties", OPTION_TEXT_MAP},
	{0},
};

static const struct plugin_option linux_options[] = {
	{"domain", OPTION_TEXT},
	{"host_name", OPTION_TEXT},
	{"hw_clock_utc", OPTION_TRILEAN},
	{"time_zone", OPTION_TEXT},
	{0},
};

static const struct plugin_option network_interface[] = {
	{"dns_server_list", OPTION_TEXTS},
	{"dns_domain", OPTION_TEXT},
	{"ipv4_address", OPTION_TEXT},
	{"ipv4_netmask", OPTION_INTEGER},
	{"ipv6_address", OPTION_TEXT},
	{"ipv6_netmask", OPTION_INTEGER},
	{0},
};

static const struct plugin_option customize[] = {
	{"linux_options", OPTION_BLOCK, .block = linux_options},
	{"windows_sysprep_file", OPTION_TEXT, PATH_FILE, .check = CHECK_NOTHING},
	{"network_interface", OPTION_BLOCKS, .block = network_interface},
	{"ipv4_gateway", OPTION_TEXT},
	{"ipv6_gateway", OPTION_TEXT},
	{"dns_server_list", OPTION_TEXTS},
	{"dns_suffix_list", OPTION_TEXTS},
	{0},
};

static const struct plugin_option own[] = {
	{"template", OPTION_TEXT, .source_image = true},
	{"disk_size", OPTION_INTEGER},
	{"linked_clone", OPTION_BOOL},
	{"network", OPTION_TEXT},
	{"mac_address", OPTION_TEXT},
	{"vapp", OPTION_BLOCK, .block = vapp},
	{"customize", OPTION_BLOCK, .block = customize},
	{0},
};

static int check(struct json *options, struct error *err)
{
	return vsphere_check(options, 0, err);
}

/* Source: Packer 1.6.6 builder/vsphere/clone/config.go, step_clone.go, step_customize.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "template"},
	{RULE_AT_MOST_ONE, "linked_clone disk_size"},
	{RULE_NEEDS, "network", .when = "mac_address"},
	{RULE_ONE, "customize.linux_options customize.windows_sysprep_file"},
	{RULE_NEEDS, "customize.linux_options.host_name customize.linux_options.domain",
		.when = "linux_options"},
	{RULE_NEEDS, "customize.network_interface"},
	{0},
};

const struct plugin plugin_builder_vsphere_clone = {
	.kind = PLUGIN_BUILDER,
	.name = "vsphere-clone",
	.elsewhere = "vcenter_server datacenter cluster host folder vm_name",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy_unchecked, options_cd, options_boot, options_shutdown,
		options_vsphere, own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_http, rules_boot,
		rules_vsphere, rules, NULL},
	.check = check,
};
