/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"attach_snapshot", OPTION_TEXT},
	{"target_snapshot", OPTION_TEXT},
	{"force_delete_snapshot", OPTION_BOOL},
	{0},
};

/* Source: Packer 1.6.6 builder/virtualbox/vm/config.go, Prepare; the machine itself is looked for when it is built. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "vm_name"},
	{0},
};

const struct plugin plugin_builder_virtualbox_vm = {
	.kind = PLUGIN_BUILDER,
	.name = "virtualbox-vm",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy, options_cd, options_boot, options_shutdown, options_virtualbox, own,
		NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_boot, rules_http,
		rules_host_ports, rules_virtualbox, rules, NULL},
};
