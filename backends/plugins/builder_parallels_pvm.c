/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/parallels.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"source_path", OPTION_TEXT, PATH_FOLDER, .check = CHECK_THERE, .source_image = true},
	{"reassign_mac", OPTION_BOOL},
	{0},
};

/* Source: Packer 1.6.6 builder/parallels/pvm/config.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "source_path"},
	{0},
};

const struct plugin plugin_builder_parallels_pvm = {
	.kind = PLUGIN_BUILDER,
	.name = "parallels-pvm",
	.groups = (const struct plugin_option *const[]){options_communicator, options_floppy,
		options_boot, options_shutdown, options_parallels, own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_boot,
		rules_parallels, rules, NULL},
};
