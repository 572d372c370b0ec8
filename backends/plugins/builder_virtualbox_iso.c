/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"cpus", OPTION_INTEGER},
	{"memory", OPTION_INTEGER},
	{"sound", OPTION_TEXT},
	{"usb", OPTION_BOOL},
	{"bundle_iso", OPTION_BOOL},
	{"disk_size", OPTION_UNSIGNED},
	{"guest_os_type", OPTION_TEXT},
	{"hard_drive_discard", OPTION_BOOL},
	{"hard_drive_interface", OPTION_TEXT},
	{"sata_port_count", OPTION_INTEGER},
	{"nvme_port_count", OPTION_INTEGER},
	{"hard_drive_nonrotational", OPTION_BOOL},
	{"iso_interface", OPTION_TEXT},
	{0},
};

/* Source: Packer 1.6.6 builder/virtualbox/iso/builder.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_RANGE, "cpus memory", "0 999999999"},
	{RULE_CHOICE, "hard_drive_interface", "ide|sata|scsi|pcie"},
	{RULE_RANGE, "sata_port_count", "-999999999 30"},
	{RULE_RANGE, "nvme_port_count", "-999999999 255"},
	{RULE_CHOICE, "iso_interface", "ide|sata"},
	{0},
};

const struct plugin plugin_builder_virtualbox_iso = {
	.kind = PLUGIN_BUILDER,
	.name = "virtualbox-iso",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy, options_cd, options_iso, options_boot, options_shutdown,
		options_virtualbox, own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_boot, rules_http,
		rules_host_ports, rules_virtualbox, rules_iso, rules, NULL},
};
