/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/proxmox.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"clone_vm", OPTION_TEXT},
	{"full_clone", OPTION_TRILEAN},
	{0},
};

const struct plugin plugin_builder_proxmox_clone = {
	.kind = PLUGIN_BUILDER,
	.name = "proxmox-clone",
	.elsewhere = "proxmox_url node vm_name vm_id template_name",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_boot, options_proxmox, own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_boot, rules_http,
		rules_proxmox, NULL},
};
