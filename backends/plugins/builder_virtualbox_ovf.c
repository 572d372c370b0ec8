/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"checksum", OPTION_TEXT, PATH_CHECKSUM, .check = CHECK_NOTHING},
	{"import_flags", OPTION_TEXTS},
	{"import_opts", OPTION_TEXT},
	{"source_path", OPTION_TEXT, PATH_URL, .source_image = true},
	{"target_path", OPTION_TEXT},
	{0},
};

/* Source: Packer 1.6.6 builder/virtualbox/ovf/config.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "source_path"},
	{0},
};

const struct plugin plugin_builder_virtualbox_ovf = {
	.kind = PLUGIN_BUILDER,
	.name = "virtualbox-ovf",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy, options_cd, options_boot, options_shutdown, options_virtualbox, own,
		NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_boot, rules_http,
		rules_host_ports, rules_virtualbox, rules, NULL},
};
