/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/parallels.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"cpus", OPTION_INTEGER},
	{"memory", OPTION_INTEGER},
	{"sound", OPTION_BOOL},
	{"usb", OPTION_BOOL},
	{"disk_size", OPTION_UNSIGNED},
	{"disk_type", OPTION_TEXT},
	{"guest_os_type", OPTION_TEXT},
	{"hard_drive_interface", OPTION_TEXT},
	{"host_interfaces", OPTION_TEXTS},
	{0},
};

/* Source: Packer 1.6.6 builder/parallels/iso/builder.go and builder/parallels/common, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_RANGE, "cpus memory", "0 999999999"},
	{RULE_CHOICE, "disk_type", "expand|plain"},
	{RULE_CHOICE, "hard_drive_interface", "ide|sata|scsi"},
	{0},
};

const struct plugin plugin_builder_parallels_iso = {
	.kind = PLUGIN_BUILDER,
	.name = "parallels-iso",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy, options_iso, options_boot, options_shutdown, options_parallels, own,
		NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_iso, rules_boot,
		rules_http, rules_parallels, rules, NULL},
};
