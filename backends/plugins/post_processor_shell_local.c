/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include "backends/plugins/native.h"
#include "backends/plugins/shell_local.h"

const struct plugin plugin_post_processor_shell_local = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "shell-local",
	.native = true,
	.power = POWER_SHELL_LOCAL,
	.version = 1,
	.groups = (const struct plugin_option *const[]){options_shell_local, NULL},
	.rules = (const struct plugin_rule *const[]){shell_local_rules, NULL},
	.check = shell_local_check,
	.size = sizeof(struct shell_local_options),
	.help = "commands that run on this machine, in a sandbox that sees the build's folder",
};
