/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"cluster", OPTION_TEXT},
	{"datacenter", OPTION_TEXT},
	{"datastore", OPTION_TEXT},
	{"disk_mode", OPTION_TEXT},
	{"host", OPTION_TEXT},
	{"esxi_host", OPTION_TEXT},
	{"insecure", OPTION_BOOL},
	{"options", OPTION_TEXTS},
	{"overwrite", OPTION_BOOL},
	{"password", OPTION_TEXT},
	{"resource_pool", OPTION_TEXT},
	{"username", OPTION_TEXT},
	{"vm_folder", OPTION_TEXT},
	{"vm_name", OPTION_TEXT},
	{"vm_network", OPTION_TEXT},
	{0},
};

/* Source: Packer 1.6.6 post-processor/vsphere/post-processor.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "cluster datacenter host password username vm_name"},
	{0},
};

const struct plugin plugin_post_processor_vsphere = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "vsphere",
	.elsewhere = "host datacenter datastore cluster vm_folder vm_name",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
