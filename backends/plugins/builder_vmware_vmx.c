/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"linked", OPTION_BOOL},
	{"source_path", OPTION_TEXT, PATH_FILE, .check_when = "!remote_type", .source_image = true},
	{0},
};

/* Source: Packer 1.6.6 builder/vmware/vmx/config.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "source_path", .when = "!remote_type"},
	{0},
};

const struct plugin plugin_builder_vmware_vmx = {
	.kind = PLUGIN_BUILDER,
	.name = "vmware-vmx",
	.elsewhere = "remote_host remote_datastore vm_name display_name",
	.elsewhere_when = "remote_type",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy, options_cd, options_boot, options_shutdown, options_vmware, own,
		NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_http, rules_boot,
		rules_vnc, rules_vmware, rules, NULL},
};
