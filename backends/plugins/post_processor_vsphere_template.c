/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"host", OPTION_TEXT},
	{"insecure", OPTION_BOOL},
	{"username", OPTION_TEXT},
	{"password", OPTION_TEXT},
	{"datacenter", OPTION_TEXT},
	{"folder", OPTION_TEXT},
	{"snapshot_enable", OPTION_BOOL},
	{"snapshot_name", OPTION_TEXT},
	{"snapshot_description", OPTION_TEXT},
	{"reregister_vm", OPTION_TRILEAN},
	{0},
};

/* Source: Packer 1.6.6 post-processor/vsphere-template/post-processor.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "host username password"},
	{RULE_MATCHES, "folder", "^/"},
	{0},
};

const struct plugin plugin_post_processor_vsphere_template = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "vsphere-template",
	.elsewhere = "host datacenter folder",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
