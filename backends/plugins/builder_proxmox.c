/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/proxmox.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"iso_file", OPTION_TEXT},
	{"iso_storage_pool", OPTION_TEXT},
	{"unmount_iso", OPTION_BOOL},
	{0},
};

/* Source: Packer 1.6.6 builder/proxmox/iso/config.go, Prepare. */
static const struct plugin_rule rules[] = {
	ISO_RULES("", "!iso_file"),
	{RULE_FORBIDS, "iso_urls", .when = "iso_file", .why = "iso_file is given"},
	{RULE_NEEDS, "iso_storage_pool", .when = "!iso_file"},
	{RULE_NEEDS, "iso_storage_pool", .when = "iso_file iso_urls"},
	ISO_RULES("additional_iso_files.", "!iso_file"),
	{RULE_FORBIDS, "additional_iso_files.iso_urls", .when = "iso_file",
		.why = "iso_file is given"},
	{RULE_MATCHES, "additional_iso_files.device",
		"^(ide[013]|sata[0-5]|scsi([12]?[0-9]|30)|([^is]|i[^d]|id[^e]|s[^ac]|sa[^t]|sat[^a]"
		"|"
		"sc[^s]|scs[^i]).*)$",
		.why = "ide0, ide1, ide3, sata0 to sata5, scsi0 to scsi30"},
	{0},
};

/* "proxmox" is the older name of "proxmox-iso". */
#define PROXMOX_ISO(called)                                                                      \
	{                                                                                        \
		.kind = PLUGIN_BUILDER, .name = called,                                          \
		.elsewhere = "proxmox_url node vm_name vm_id template_name",                     \
		.groups = (const struct plugin_option *const[]){options_communicator,            \
			options_http, options_iso, options_boot, options_proxmox, own, NULL},    \
		.rules = (const struct plugin_rule *const[]){                                    \
			rules_communicator, rules_boot, rules_http, rules_proxmox, rules, NULL}, \
	}

const struct plugin plugin_builder_proxmox = PROXMOX_ISO("proxmox");
const struct plugin plugin_builder_proxmox_iso = PROXMOX_ISO("proxmox-iso");
