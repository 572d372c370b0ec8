/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

#include <string.h>

#include "backends/plugins/rules.h"

static const struct plugin_option network_adapter[] = {
	{"network", OPTION_TEXT},
	{"network_card", OPTION_TEXT},
	{"mac_address", OPTION_TEXT},
	{"passthrough", OPTION_BOOL},
	{0},
};

static const struct plugin_option own[] = {
	{"vm_version", OPTION_UNSIGNED},
	{"guest_os_type", OPTION_TEXT},
	{"network_adapters", OPTION_BLOCKS, .block = network_adapter},
	{"usb_controller", OPTION_TEXTS},
	{0},
};

/* One controller of a kind, and the disks' controllers are there (one is there anyhow). */
static int check(struct json *options, struct error *err)
{
	const struct json *controllers = json_get(options, "usb_controller");
	int usb = 0, xhci = 0;

	for (size_t i = 0; i < json_count(controllers); i++) {
		const char *name = json_text(json_item(controllers, i), "");
		bool off = strcmp(name, "false") == 0 || strcmp(name, "0") == 0;
		if (strcmp(name, "xhci") == 0)
			xhci++;
		else if (!off)
			usb++;
	}
	if (usb > 1 || xhci > 1)
		return fail(err, ERROR_CATALOG,
			"usb_controller: a machine has at most one usb and one xhci controller");
	return vsphere_check(options, 1, err);
}

/* Source: Packer 1.6.6 builder/vsphere/iso/config.go and step_create.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_AT_MOST_ONE, "iso_url iso_urls"},
	{RULE_NEEDS, "iso_checksum", .when = "iso_url"},
	{RULE_NEEDS, "iso_checksum", .when = "iso_urls"},
	{RULE_IS, "iso_checksum", "checksum", .when = "iso_url"},
	{RULE_IS, "iso_checksum", "checksum", .when = "iso_urls"},
	{RULE_NEEDS, "storage"},
	{RULE_CHOICE, "usb_controller", "usb|xhci|1|true|0|false"},
	{0},
};

const struct plugin plugin_builder_vsphere_iso = {
	.kind = PLUGIN_BUILDER,
	.name = "vsphere-iso",
	.elsewhere = "vcenter_server datacenter cluster host folder vm_name",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy_unchecked, options_cd, options_iso, options_boot, options_shutdown,
		options_vsphere, own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_http, rules_boot,
		rules_vsphere, rules, NULL},
	.check = check,
};
