/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"cpus", OPTION_INTEGER},
	{"memory", OPTION_INTEGER},
	{"cores", OPTION_INTEGER},
	{"network", OPTION_TEXT},
	{"network_adapter_type", OPTION_TEXT},
	{"network_name", OPTION_TEXT},
	{"sound", OPTION_BOOL},
	{"usb", OPTION_BOOL},
	{"serial", OPTION_TEXT},
	{"parallel", OPTION_TEXT},
	{"disk_size", OPTION_UNSIGNED},
	{"cdrom_adapter_type", OPTION_TEXT},
	{"guest_os_type", OPTION_TEXT},
	{"version", OPTION_TEXT},
	{"vmx_disk_template_path", OPTION_TEXT, PATH_FILE, .check = CHECK_NOTHING},
	{"vmx_template_path", OPTION_TEXT, PATH_FILE, .check = CHECK_TEMPLATE},
	{0},
};

/* Source: Packer 1.6.6 builder/vmware/iso/config.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_RANGE, "cpus memory cores", "0 999999999"},
	{RULE_NEEDS, "skip_compaction", .when = "remote_type=esx5 disk_type_id disk_type_id!=thin",
		.why = "only a thin disk can be compacted"},
	{RULE_WORD, "cdrom_adapter_type", "ide|sata|scsi"},
	{0},
};

const struct plugin plugin_builder_vmware_iso = {
	.kind = PLUGIN_BUILDER,
	.name = "vmware-iso",
	.elsewhere = "remote_host remote_datastore vm_name display_name",
	.elsewhere_when = "remote_type",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy, options_cd, options_iso, options_boot, options_shutdown,
		options_vmware, own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_http, rules_boot,
		rules_vnc, rules_vmware, rules_iso, rules, NULL},
};
